import { createServer, request as httpRequest } from "node:http";
import type { IncomingMessage, ServerResponse } from "node:http";
import { request as httpsRequest } from "node:https";
import type { AddressInfo } from "node:net";
import pLimit from "p-limit";
import { signerFor } from "./signed-call.ts";

/**
 * Signs what a test sends, as a client of the deployed API does (AWS Signature Version 4), and passes
 * it on: so a test calls any PulseGate alike. Request and answer go through as they are, byte for byte.
 */
export interface SigningProxy {
  readonly url: string;
  stop(): Promise<void>;
}

/**
 * Each call that is open at once is a function's process of its own, on a machine of two cores: two
 * hundred would come to nothing.
 */
const AT_ONCE = 12;

export const startSigningProxy = async (
  apiUrl: string,
  { region, ca }: { readonly region: string; readonly ca: string | undefined },
): Promise<SigningProxy> => {
  const api = new URL(apiUrl);
  const send = api.protocol === "https:" ? httpsRequest : httpRequest;
  const signer = signerFor("execute-api", region, {
    // Of every local server, whatever the environment has.
    accessKeyId: "test",
    secretAccessKey: "test",
  });

  const pass = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    const path = `${api.pathname.replace(/\/$/, "")}${incoming.url ?? ""}`;
    const method = incoming.method ?? "";
    const { pathname, searchParams } = new URL(path, api);
    const query: Record<string, string[]> = {};
    for (const name of searchParams.keys()) query[name] = searchParams.getAll(name);
    // Only what AWS asks for is signed: a header in between may change others.
    const signed = await signer.sign({
      method,
      protocol: api.protocol,
      hostname: api.hostname,
      path: pathname,
      query,
      headers: { host: api.host },
      body,
    });
    await new Promise<void>((resolve, reject) => {
      const passed = send(
        {
          host: api.hostname,
          port: api.port,
          method,
          path,
          ...(ca === undefined ? {} : { ca }),
          headers: [...headersOf(incoming), ...Object.entries(signed.headers).flat()],
        },
        (answer) => {
          outgoing.writeHead(answer.statusCode ?? 502, answer.rawHeaders);
          answer.pipe(outgoing);
          answer.on("error", reject).on("end", resolve);
        },
      );
      passed.on("error", reject);
      passed.end(body);
    });
  };

  const limit = pLimit(AT_ONCE);
  const server = createServer((incoming, outgoing) => {
    void limit(pass, incoming, outgoing).catch((error: Error) => {
      if (!outgoing.headersSent) outgoing.writeHead(502);
      outgoing.end(`no answer from the API: ${error.message}`);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};

/** All but those of this hop alone. */
const headersOf = ({ rawHeaders }: IncomingMessage): string[] => {
  const kept: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? "";
    if (!/^(host|connection|keep-alive|transfer-encoding|expect)$/i.test(name)) {
      kept.push(name, rawHeaders[at + 1] ?? "");
    }
  }
  return kept;
};
