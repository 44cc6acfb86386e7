import type { SettingDoc } from "../local/settings.ts";

/** docs/configuration.md. */
export const configurationPage = (settings: readonly SettingDoc[]): string => `# Settings

Printed from the settings' schema by \`npm run generate\`.

The local runtime (\`npm start\`) reads these environment variables, also from a file \`.env\`. A wrong
one is named at start. In the cloud the same things are fields of the stage's configuration, see
\`lib/aws/stage.ts\`.

| name | default | what it is |
| --- | --- | --- |
${settings
  .map(
    ({ name, default: value, description }) =>
      `| \`${name}\` | ${value === "" ? "" : `\`${value}\``} | ${description} |`,
  )
  .join("\n")}
`;

/** .env.example: every setting with its default, commented out. */
export const environmentExample = (settings: readonly SettingDoc[]): string =>
  `# Printed from the settings' schema by \`npm run generate\`. Copy to .env and change what you need.\n${settings
    .map(({ name, default: value, description }) => `\n# ${description}\n# ${name}=${value}\n`)
    .join("")}`;
