/**
 * Owns that who has just been given a role is given what the one before had taken and not finished, before anything new: else
 * a later event of an entity could come first. Only who holds the lease of the role may do so.
 */
import type { RedisTarget } from '../../config/redis/redis-settings.ts';
import { groupName } from '../../ipc/feed/reader/feed-reader.ts';
import { createKeys } from '../../redis/keys.ts';
import { openWriter } from '../../redis/link.ts';

const CONNECT_MS = 1_500;
const CALL_MS = 1_000;
const PAGE_COUNT = 500;
const MAX_PAGES = 200;

/** Best effort: where it is not done, its reader takes them over once they are old. Never rejects. */
export const claimPending = async (
  target: RedisTarget,
  group: string,
  consumer: string,
  signal: AbortSignal,
): Promise<void> => {
  await using link = await openWriter(target);
  if (!(await link.untilKnown(CONNECT_MS, signal))) return;
  const { feed } = createKeys(target.prefix);
  let cursor = '0-0';
  for (let page = 0; page < MAX_PAGES; page += 1) {
    const args = [feed.name, groupName(group), consumer, 0, cursor, 'COUNT', PAGE_COUNT, 'JUSTID'];
    const outcome = await link.call({ name: 'xautoclaim', args }, { withinMs: CALL_MS }, signal);
    if (outcome.kind !== 'done' || !Array.isArray(outcome.value)) return; // there is no such group yet, or no such right
    cursor = String(outcome.value[0]);
    if (cursor === '0-0') return;
  }
};
