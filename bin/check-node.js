// Plain JavaScript, so that a Node too old to read TypeScript can still say what is wrong.
// The npm package `node` puts Node 24 first on the PATH of every npm script; where its install
// script was blocked, the machine's own Node runs instead and would fail with a puzzling error.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `PulseGate needs Node 22.18 or later, and this is ${process.version}: run \`npm rebuild node\`, or install a newer Node.`,
  );
  process.exit(1);
}
