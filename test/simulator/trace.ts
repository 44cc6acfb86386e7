/**
 * What happened in a run, in order. Always counted into a digest, by which two runs are compared; the
 * words are kept only when somebody is going to read them.
 */
export class Trace {
  readonly lines: TraceLine[] = [];
  readonly #now: () => number;
  readonly #isKept: boolean;
  #digest = 0x811c9dc5;
  #events = 0;

  constructor(now: () => number, isKept: boolean) {
    this.#now = now;
    this.#isKept = isKept;
  }

  /** @param place whose doing, with the job's id in it if it is about a job */
  add(place: string, what: () => string): void {
    this.#events += 1;
    this.#mix(this.#now());
    for (let at = 0; at < place.length; at += 1) this.#mix(place.charCodeAt(at));
    if (this.#isKept) this.lines.push({ atMs: this.#now(), place, text: what() });
  }

  /** FNV-1a over everything that happened, and how much that was. */
  get digest(): string {
    return `${(this.#digest >>> 0).toString(16)}-${this.#events}`;
  }

  #mix(value: number): void {
    this.#digest = Math.imul(this.#digest ^ (value % 0x1_0000_0000), 0x01000193);
  }
}

export interface TraceLine {
  readonly atMs: number;
  readonly place: string;
  readonly text: string;
}
