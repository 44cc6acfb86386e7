import { composeChangeJobs } from "../../wiring/compose.ts";
import { awsClients } from "../../wiring/clients.ts";
import { makeHandler } from "./handler.ts";

/** The deployed entry. */
export const handler = makeHandler(composeChangeJobs(process.env, awsClients));
