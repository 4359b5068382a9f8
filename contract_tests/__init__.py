"""The black-box suite: what any server that takes June's calls must do, asked over HTTP, judged by the schema files alone."""
