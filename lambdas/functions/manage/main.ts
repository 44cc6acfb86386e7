import { composeManage } from "../../wiring/compose.ts";
import { awsClients } from "../../wiring/clients.ts";
import { makeHandler } from "./handler.ts";

/** The deployed entry. */
export const handler = makeHandler(composeManage(process.env, awsClients));
