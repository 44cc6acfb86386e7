/** What a server does otherwise than AWS, as `test/conformance/deviations.ts` lists it. */
interface ListedDeviation {
  readonly server: string;
  readonly suite: string;
  readonly test: string;
  readonly does: string;
  readonly aws: string;
  readonly page: string;
  readonly held: string;
}

/** docs/emulators.md: where the servers that we test on are not like AWS. */
export const emulatorsPage = (deviations: readonly ListedDeviation[]): string => `# Emulators

Printed from \`test/conformance/deviations.ts\` by \`npm run generate\`.

The suites in \`test/conformance/\` ask a server for all that PulseGate leans on. They run over

- dynoxide (DynamoDB), fauxqs (SQS) and our own Scheduler, which \`npm start\` runs on: \`npm test\`;
- MiniStack and DynamoDB Local, which nothing of ours depends on: \`npm run test:deployed\`.

Where a server does not do as AWS documents, the test is listed here and is expected to fail in just the
way that shows it: when the server is mended, or fails in another way, the entry has to change.
Whatever else the suites ask, a server does.

${[...Map.groupBy(deviations, ({ server }) => server)]
  .map(
    ([server, of]) => `## ${server}

| suite | what a server should do | what it does | what AWS says | why our code holds |
| --- | --- | --- | --- | --- |
${of.map(row).join("\n")}`,
  )
  .join("\n\n")}
`;

const row = ({ suite, test, does, aws, page, held }: ListedDeviation): string =>
  `| ${[suite, test, does, `[${aws}](${page})`, held].map(cell).join(" | ")} |`;

const cell = (text: string): string => text.replaceAll("|", "\\|");
