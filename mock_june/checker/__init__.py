"""Preflight of files: what June would refuse, where it stands, and why.

Bytes go from the top to the bottom:

- `preflight` takes a whole run (`job` says what it is to do): in this process, or over many (`parallel`, which parts it into `tasks`);
- `inputs` opens and unpacks files, and gives their payloads with their places;
- `runner` holds them to the contract. `scan` tells most lines from doubtful ones, faster than one by one. Who is to see every payload is an observer:
  `copies` (with `fixes`), `baseline`, `statistics`, and `watch`, for `history`, the rules across events;
- `report` counts, and `reporters` print what it counted.
"""
