/** Owns which events are on the feed: asked for only as far back as the events go that are compared with it. */
import type { FeedSide, Reply } from './feed-side.ts';

/** The random end of a UUID as a number: 52 bits, so that a million take 40 MB and not 100. */
const fingerprint = (eventId: string): number => Number.parseInt(eventId.slice(-14).replace('-', ''), 16);

export class FeedIndex {
  readonly #feed: FeedSide;
  readonly #found = new Set<number>();
  /** All entries from here on are known, by Redis's clock. */
  #fromMs = Infinity;

  constructor(feed: FeedSide) {
    this.#feed = feed;
  }

  has(eventId: string): boolean {
    return this.#found.has(fingerprint(eventId));
  }

  /** Makes known what was put there since, by Redis's clock. At the first time: the newest entry, if there is any. */
  async reach(sinceMs: number): Promise<Reply<string | undefined>> {
    const fromMs = Math.max(0, Math.floor(sinceMs));
    if (fromMs >= this.#fromMs) return { ok: true, value: undefined };
    const isFirst = this.#fromMs === Infinity;
    let newestId: string | undefined;
    for await (const page of this.#feed.pages(`${fromMs}`, isFirst ? '+' : `${this.#fromMs - 1}`)) {
      if (!page.ok) return page;
      for (const { eventId } of page.value) if (eventId !== undefined) this.#found.add(fingerprint(eventId));
      newestId = page.value.at(-1)?.id ?? newestId;
    }
    this.#fromMs = fromMs;
    return { ok: true, value: isFirst ? newestId : undefined };
  }
}
