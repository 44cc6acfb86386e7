/**
 * How often a race is run: a sample in `npm test`, and all of `atLength` in `npm run prove`, which
 * sets PULSEGATE_PROVE.
 */
export const rounds = (sample: number, atLength: number): number =>
  process.env["PULSEGATE_PROVE"] === undefined ? sample : atLength;

/** How long such a test may take. */
export const roundsTimeoutMs = (sampleMs: number, atLengthMs: number): number =>
  rounds(sampleMs, atLengthMs);
