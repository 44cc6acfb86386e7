import type { SigningSecret } from "../client/index.ts";
import { UsageError } from "./command.ts";
import type { Command, Input } from "./command.ts";
import { readInputFile } from "./file.ts";
import { fieldLines, makeTable } from "./print.ts";

/** The commands on what a tenant's webhooks are signed with. */

const tenantOption = { type: "string", value: "<id>", help: "whose webhooks are signed" } as const;

const tenantOf = (input: Input): string => {
  const tenant = input.text("tenant");
  if (tenant === undefined) throw new UsageError("needs --tenant");
  return tenant;
};

export const put: Command = {
  summary: "adds a signing secret, and shows it this once",
  usage: "--tenant <id> [options]",
  options: {
    tenant: tenantOption,
    // None that takes the secret itself: everybody on the machine can see a command's arguments.
    "secret-file": {
      type: "string",
      value: "<path>",
      help: "one of your own, base 64; - is stdin (a new one)",
    },
  },
  examples: ["--tenant demo", "--tenant demo --secret-file - < secret.txt"],
  async run(input) {
    const tenant_id = tenantOf(input);
    const file = input.text("secret-file");
    const secret = file === undefined ? undefined : await secretIn(input, file);
    const added = await input.client.putSigningSecret({ tenant_id, secret });
    input.io.out(input.isJson ? JSON.stringify(added) : fieldLines({ ...added }));
  },
};

/** Without the end of line that editors and `echo` put after it. */
const secretIn = async ({ io }: Input, file: string): Promise<string> => {
  const secret = new TextDecoder().decode(await readInputFile(io, file)).trim();
  if (secret === "") throw new UsageError(`no secret is in ${file}`);
  return secret;
};

export const list: Command = {
  summary: "lists a tenant's signing secrets, newest first: how each ends",
  usage: "--tenant <id> [options]",
  options: { tenant: tenantOption },
  async run(input) {
    const secrets = await input.client.listSigningSecrets({ tenant_id: tenantOf(input) });
    if (secrets.length === 0) {
      if (!input.isJson) input.io.err("none");
      return;
    }
    const table = makeTable<SigningSecret>({
      ID: ({ id }) => id,
      CREATED: ({ created_at }) => created_at,
      SECRET: ({ hint }) => hint,
    });
    const lines = secrets.map((secret) => JSON.stringify(secret));
    input.io.out(input.isJson ? lines.join("\n") : table(secrets));
  },
};

/** Named so since `delete` is a word of the language. */
export const withdraw: Command = {
  summary: "withdraws a signing secret: no later attempt is signed with it",
  usage: "<id> --tenant <id> [options]",
  takesIdOf: "a signing secret",
  options: { tenant: tenantOption },
  async run(input) {
    const deleted = await input.client.deleteSigningSecret({
      tenant_id: tenantOf(input),
      id: input.id,
    });
    input.io.out(input.isJson ? JSON.stringify(deleted) : `${deleted.id} deleted`);
  },
};
