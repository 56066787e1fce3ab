/** Owns the reading of which events stand on the feed now. */
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { FingerprintIndex } from '../../bus/read/verify/fingerprint-index.ts';
import { FeedSide } from '../../recorder/reconcile/feed-side.ts';
import { createKeys } from '../../redis/keys.ts';
import { openWriter } from '../../redis/link.ts';

const CONNECT_MS = 2_000;

/** `undefined`: Redis does not say. Never rejects but with the signal's reason. */
export const readFeedIds = async (
  target: RedisTarget,
  signal: AbortSignal,
): Promise<{ has(id: string): boolean } | undefined> => {
  await using link = await openWriter(target);
  if (!(await link.untilKnown(CONNECT_MS, signal))) return undefined;
  const ids = new FingerprintIndex();
  for await (const page of new FeedSide(link, createKeys(target.prefix).feed, signal).pages('-', '+')) {
    if (!page.ok) return undefined;
    for (const { eventId } of page.value) if (eventId !== undefined) ids.add(eventId);
  }
  return ids;
};
