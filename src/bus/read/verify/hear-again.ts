/**
 * Owns a second hearing of what writers tell of heads whose messages are not the same on both sides: what the alpha bus
 * tells of channels and channels of the alpha bus was passed over, since the other side tells it, too (H1 of the file verifier).
 */
import { ALPHA, type BusFileName } from '../../layout.ts';
import { findBusFile } from '../files.ts';
import type { ChannelNames } from '../channel-names.ts';
import type { WriterRecord } from './both-files.ts';
import type { Claims } from './claims.ts';
import type { HeadTable } from './head-table.ts';
import { storyOf, tellsOfBus } from './line-story.ts';
import { readMessages } from './messages.ts';

export interface HearAgainOptions {
  readonly busDir: string;
  readonly writers: ReadonlyMap<string, WriterRecord>;
  readonly channels: ChannelNames;
  readonly claims: Claims;
  readonly heads: HeadTable;
  readonly signal: AbortSignal | undefined;
}

/** Where these writers wrote messages. */
export function* channelsOf(
  writers: ReadonlyMap<string, WriterRecord>,
  channels: ChannelNames,
): Generator<BusFileName> {
  const numbers = new Set<number>();
  for (const { channels: some } of writers.values()) {
    if (some === undefined) {
      yield* channels;
      return;
    }
    for (const number of some) numbers.add(number);
  }
  for (const number of numbers) {
    const name = channels.at(number);
    if (name !== undefined) yield name;
  }
}

const hearFile = async (name: BusFileName, options: HearAgainOptions): Promise<void> => {
  const { busDir, writers, claims, heads, signal } = options;
  const file = findBusFile(busDir, name);
  if (file === undefined) return;
  for await (const messages of readMessages(file, signal)) {
    for (const { header, text, place } of messages) {
      if (!tellsOfBus(header.type) || !writers.has(header.writer)) continue;
      for (const head of storyOf(text).heads) {
        if (!heads.holds(head) && claims.isNew(head)) claims.add(head, place, Infinity);
      }
    }
  }
};

/** Opens all that these writers tell on either side and that is not known to hold. */
export const hearAgain = async (options: HearAgainOptions): Promise<void> => {
  if (options.writers.size === 0) return;
  await hearFile(ALPHA, options);
  for (const name of channelsOf(options.writers, options.channels)) await hearFile(name, options);
};
