/**
 * All chance of a simulation, drawn from one seed. Each draw has a name, and equal names give equal
 * draws: what happens to one job does not depend on how many others there are, so that a failure
 * survives when the others are taken away.
 */
export class NamedChance {
  readonly #seed: number;
  readonly #draws = new Map<string, number>();

  constructor(seed: number) {
    this.#seed = seed;
  }

  /** A number in [0, 1); the n-th draw of a name is another one than the first. */
  fraction(name: string): number {
    const nth = this.#draws.get(name) ?? 0;
    this.#draws.set(name, nth + 1);
    return this.pure(name, nth);
  }

  /** A number in [0, 1) by the name alone, however often it is asked for. */
  pure(name: string, nth = 0): number {
    return hash(name, this.#seed ^ Math.imul(nth + 1, 0x9e3779b1)) / 2 ** 32;
  }

  between(name: string, least: number, most: number): number {
    return least + Math.floor(this.fraction(name) * (most - least + 1));
  }

  pick<T>(name: string, choices: readonly T[]): T {
    return choices[Math.floor(this.fraction(name) * choices.length)] as T;
  }

  bytes(name: string, count: number): Uint8Array {
    return Uint8Array.from({ length: count }, () => Math.floor(this.fraction(name) * 256));
  }
}

/** MurmurHash3 (x86, 32 bits) over UTF-16 code units. */
const hash = (text: string, seed: number): number => {
  let h = seed | 0;
  for (let at = 0; at < text.length; at += 1) {
    let k = Math.imul(text.charCodeAt(at), 0xcc9e2d51);
    k = (k << 15) | (k >>> 17);
    h ^= Math.imul(k, 0x1b873593);
    h = (h << 13) | (h >>> 19);
    h = (Math.imul(h, 5) + 0xe6546b64) | 0;
  }
  h ^= text.length;
  h ^= h >>> 16;
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
};
