/**
 * Owns the close look at writers whose messages are not the same on the alpha bus and in their channels.
 *
 * K1. The alpha bus is read, then the channels, then the alpha bus again: a message is written to its channel first, so
 *     what is still missing then was missing before, however much is written meanwhile. A writer may be held up between
 *     the two writes, so what was written just now is waited for a little.
 * K2. No accusation where a kill explains it: the last line of a writer, in its channel and not yet on the alpha bus.
 * K3. No accusation where the writer's own `outage` lines tell of at least as many messages that were dropped.
 * K4. No accusation of the last messages of an entity, in the order of the side where they stand, where the writer's own
 *     `condition` line tells that the other file could not be written. What is missing before a later one is not excused.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { isChannelOnly } from '../../../model/message.ts';
import { ALPHA, type BusFileName } from '../../layout.ts';
import { linesBackward } from '../backward-lines.ts';
import { type BusFile, findBusFile } from '../files.ts';
import type { ChannelNames } from '../channel-names.ts';
import { ownCopy } from '../own-copy.ts';
import type { WriterRecord } from './both-files.ts';
import type { FindingLog } from './finding.ts';
import { tryReadHeader } from './form.ts';
import { FingerprintIndex } from './fingerprint-index.ts';
import { channelsOf } from './hear-again.ts';
import { droppedBy, failingFileOf } from './line-story.ts';
import { readMessages, type ReadMessage } from './messages.ts';
import { MissingMessages, type MissingTally } from './missing.ts';

/** How long a busy machine may keep a writer from its second write, and how recent that write may be. */
const BETWEEN_WRITES_MS = 200;
const RECENT_MS = 2000;
const LOOK_EVERY_MS = 20;
const ALPHA_TAIL_BYTES = 1024 * 1024;

export interface SecondLookOptions {
  readonly busDir: string;
  readonly writers: ReadonlyMap<string, WriterRecord>;
  /** By their number in the records. */
  readonly channels: ChannelNames;
  readonly log: FindingLog;
  readonly signal: AbortSignal | undefined;
}

class WriterLook {
  readonly notOnAlpha = new MissingMessages();
  readonly notInChannel = new MissingMessages();
  /** Files that it told it could not write. */
  readonly failing = new Set<string>();
  /** Id of the last line in each channel. */
  readonly lastIds = new Map<string, string>();
  lastTs = '';
  droppedCount = 0;
}

class SecondLook {
  readonly #options: SecondLookOptions;
  readonly #looks = new Map<string, WriterLook>();
  readonly #alphaIds = new FingerprintIndex();
  readonly #channelIds = new FingerprintIndex();
  /** In a channel, and not on the alpha bus when it was read first. */
  readonly #missingIds = new FingerprintIndex();
  /** Of those, the ones that were on the alpha bus when it was read again. */
  readonly #lateIds = new FingerprintIndex();
  readonly #outageIds = new FingerprintIndex();

  constructor(options: SecondLookOptions) {
    this.#options = options;
    for (const writer of options.writers.keys()) this.#looks.set(writer, new WriterLook());
  }

  async run(): Promise<void> {
    const { writers, channels } = this.#options;
    const later = new Set<BusFileName>();
    await this.#each(ALPHA, (look, message) => {
      const { id, ts, entity } = message.header;
      this.#hear(look, message);
      if (ts > look.lastTs) look.lastTs = ownCopy(ts);
      this.#alphaIds.add(id);
      if (!channels.has(`channels/${entity}.jsonl`)) later.add(`channels/${ownCopy(entity)}.jsonl`);
    });
    const known = channelsOf(writers, channels);
    for (const names of [known, later]) {
      for (const name of names) await this.#each(name, (look, message) => this.#onChannelLine(name, look, message));
    }
    await this.#each(ALPHA, (look, message) => this.#onAlphaLine(look, message));
    for (const [writer, look] of this.#looks) {
      await this.#waitForLast(look);
      this.#judge(writer, look);
    }
  }

  async #each(name: BusFileName, visit: (look: WriterLook, message: ReadMessage) => void): Promise<void> {
    const file: BusFile | undefined = findBusFile(this.#options.busDir, name);
    if (file === undefined) return;
    for await (const messages of readMessages(file, this.#options.signal)) {
      for (const message of messages) {
        const look = this.#looks.get(message.header.writer);
        if (look !== undefined) visit(look, message);
      }
    }
  }

  #onChannelLine(name: BusFileName, look: WriterLook, message: ReadMessage): void {
    const { id, type, ts, entity } = message.header;
    look.lastIds.set(name, ownCopy(id));
    if (ts > look.lastTs) look.lastTs = ownCopy(ts);
    if (isChannelOnly(type)) return;
    this.#hear(look, message);
    this.#channelIds.add(id);
    if (this.#alphaIds.has(id)) look.notOnAlpha.onPresent(entity);
    else if (isNew(this.#missingIds, id)) look.notOnAlpha.add(message, this.#missingIds.find(id));
  }

  /** When the alpha bus is read again. */
  #onAlphaLine({ notOnAlpha, notInChannel }: WriterLook, message: ReadMessage): void {
    const { id, entity } = message.header;
    const number = this.#missingIds.find(id);
    if (number !== -1 && isNew(this.#lateIds, id)) notOnAlpha.onLate(entity, number); // K1
    if (!this.#alphaIds.has(id)) return;
    if (isNew(this.#channelIds, id)) notInChannel.add(message, this.#channelIds.count);
    else notInChannel.onPresent(entity);
  }

  /** What the line tells of outages; it may stand on either side, or on both. */
  #hear(look: WriterLook, { header: { id, type }, text }: ReadMessage): void {
    if (type === 'outage' && isNew(this.#outageIds, id)) look.droppedCount += droppedBy(text);
    const file = type === 'condition' ? failingFileOf(text) : undefined;
    if (file !== undefined) look.failing.add(ownCopy(file));
  }

  /** A message that its writer wrote to its channel just now comes to the alpha bus in a moment, if the writer lives. */
  async #waitForLast(look: WriterLook): Promise<void> {
    const { last } = look.notOnAlpha;
    if (last === undefined || !this.#isUnfinished(look) || Date.now() - Date.parse(last.ts) > RECENT_MS) return;
    for (let waitedMs = 0; waitedMs <= BETWEEN_WRITES_MS; waitedMs += LOOK_EVERY_MS) {
      if (this.#isAtEndOfAlpha(last.id)) {
        if (isNew(this.#lateIds, last.id)) look.notOnAlpha.onLate(last.entity, last.number);
        return;
      }
      await sleep(LOOK_EVERY_MS);
    }
  }

  #isAtEndOfAlpha(id: string): boolean {
    const parts = findBusFile(this.#options.busDir, ALPHA)?.parts ?? [];
    for (const { path, compressed } of parts.slice(-2)) {
      if (compressed) continue;
      for (const text of linesBackward(path, ALPHA_TAIL_BYTES)) if (tryReadHeader(text)?.id === id) return true;
    }
    return false;
  }

  #judge(writer: string, look: WriterLook): void {
    this.#tellEnds(writer, look); // K4
    const { droppedCount } = look;
    const notOnAlpha = look.notOnAlpha.total();
    const notInChannel = look.notInChannel.total();
    if (notOnAlpha.count > 0 && this.#isUnfinished(look)) this.#tellUnfinished(writer, look, notOnAlpha); // K2
    const count = notOnAlpha.count + notInChannel.count;
    const place = (notOnAlpha.count > 0 ? notOnAlpha : notInChannel).last?.place;
    if (count <= 0 || place === undefined) return;
    if (count <= droppedCount) {
      const message = `${count} messages stand in one file only: an outage of the bus dropped them, as its line says`;
      this.#options.log.warn('dropped', place, message, writer); // K3
      return;
    }
    this.#tellMissing(writer, notOnAlpha, 'on the alpha bus');
    this.#tellMissing(writer, notInChannel, 'in its channel');
  }

  /** The last messages that are missing in files which could not be written. */
  #tellEnds(writer: string, { notOnAlpha, notInChannel, failing }: WriterLook): void {
    for (const file of failing) {
      const ends =
        file === ALPHA
          ? notOnAlpha.takeEnds(() => true)
          : notInChannel.takeEnds((entity) => `channels/${entity}.jsonl` === file);
      const count = ends.reduce((sum, end) => sum + end.count, 0);
      const place = ends[0]?.first[0]?.place;
      if (place === undefined) continue;
      const are = count === 1 ? 'message is' : 'messages are';
      const message = `${count} ${are} not in ${file}: the writer told that it could not be written, and ended before it could be`;
      this.#options.log.warn('unfinished', place, message, writer);
    }
  }

  /** Whether the last line of the writer is in its channel and not on the alpha bus. */
  #isUnfinished({ notOnAlpha: { last }, lastIds, lastTs, failing }: WriterLook): boolean {
    if (last === undefined || failing.has(ALPHA) || this.#lateIds.has(last.id) || last.ts < lastTs) return false;
    return [...lastIds.values()].includes(last.id);
  }

  #tellUnfinished(writer: string, { notOnAlpha: { last } }: WriterLook, missing: MissingTally): void {
    if (last === undefined) return;
    missing.count -= 1;
    this.#lateIds.add(last.id);
    const message = `the last message (${last.type}) is not on the alpha bus: its writer was killed`;
    this.#options.log.warn('unfinished', last.place, message, writer);
  }

  #tellMissing(writer: string, { count, first, last }: MissingTally, where: string): void {
    const { log } = this.#options;
    const told = first.filter(({ id }) => !this.#lateIds.has(id));
    for (const { type, id, place } of told) {
      log.accuse('one-sided', place, `the message ${id} (${type}) is not ${where}: it was removed there`, writer);
    }
    const more = count - told.length;
    if (more <= 0 || last === undefined) return;
    log.accuse('one-sided', last.place, `and ${more} more messages of this writer are not ${where}`, writer);
  }
}

/** Whether it was not there before; now it is. */
const isNew = (ids: FingerprintIndex, id: string): boolean => {
  const before = ids.count;
  ids.add(id);
  return ids.count > before;
};

/** Compares the two sides of these writers message by message, and tells what is missing where. */
export const lookAgain = async (options: SecondLookOptions): Promise<void> => {
  if (options.writers.size > 0) await new SecondLook(options).run();
};
