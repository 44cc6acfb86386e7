import type { Page } from "./views.ts";

/**
 * A list that is read as it is walked: `for await` gives its items, `pages()` its pages, whose
 * `next_cursor` is where a later walk can begin. Each walk begins anew.
 */
export class Paged<T> implements AsyncIterable<T> {
  readonly #readPage: (cursor: string | undefined) => Promise<Page<T>>;
  readonly #from: string | undefined;

  constructor(readPage: (cursor: string | undefined) => Promise<Page<T>>, from?: string) {
    this.#readPage = readPage;
    this.#from = from;
  }

  async *pages(): AsyncGenerator<Page<T>, undefined, undefined> {
    let cursor = this.#from;
    do {
      const page = await this.#readPage(cursor);
      yield page;
      cursor = page.next_cursor ?? undefined;
    } while (cursor !== undefined);
    return undefined;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, undefined, undefined> {
    for await (const { items } of this.pages()) yield* items;
    return undefined;
  }
}
