/** A mistake that somebody could make in our code, as a change of its text. */
export interface PlantedFault {
  readonly name: string;
  /** What of docs/DESIGN.md it breaks. */
  readonly breaks: string;
  readonly file: string;
  readonly edits: readonly (readonly [find: string, put: string])[];
  /** What has to go with it in another file. */
  readonly also?: Pick<PlantedFault, "file" | "edits">;
}
