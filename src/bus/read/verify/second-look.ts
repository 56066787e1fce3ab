/**
 * Owns the close look at writers whose messages are not the same on the alpha bus and in their channels.
 *
 * K1. The alpha bus is read, then the channels, then the alpha bus again: a message is written to its channel first, so
 *     what is still missing then was missing before, however much is written meanwhile.
 * K2. No accusation where a kill explains it: the last line of a writer, in its channel and not yet on the alpha bus.
 * K3. No accusation where the writer's own `outage` lines tell of at least as many messages that were dropped.
 */
import { isChannelOnly } from '../../../model/message.ts';
import { ALPHA, type BusFileName } from '../../layout.ts';
import { tryParseLine } from '../../line.ts';
import { type BusFile, findBusFile } from '../files.ts';
import { ownCopy } from '../own-copy.ts';
import type { WriterRecord } from './both-files.ts';
import type { FindingLog, Place } from './finding.ts';
import { FingerprintIndex } from './fingerprint-index.ts';
import { readMessages, type ReadMessage } from './messages.ts';

export interface SecondLookOptions {
  readonly busDir: string;
  readonly writers: ReadonlyMap<string, WriterRecord>;
  /** By their number in the records. */
  readonly channels: readonly BusFileName[];
  readonly log: FindingLog;
  readonly signal: AbortSignal | undefined;
}

interface Missing {
  readonly id: string;
  readonly type: string;
  readonly ts: string;
  readonly place: Place;
}

class WriterLook {
  readonly notOnAlpha = new Map<string, Missing>();
  readonly notInChannel = new Map<string, Missing>();
  /** Id of the last line in each channel. */
  readonly lastIds = new Map<string, string>();
  lastTs = '';
  droppedCount = 0;
}

/** Of one writer. */
const MAX_TOLD = 20;
/** Of all writers (G6). */
const MAX_MISSING = 20_000;

const droppedBy = (text: string): number => {
  const data = tryParseLine(text)?.data;
  const dropped = data?.['service'] === 'bus' ? data['dropped'] : 0;
  return typeof dropped === 'number' ? dropped : 0;
};

class SecondLook {
  readonly #options: SecondLookOptions;
  readonly #looks = new Map<string, WriterLook>();
  readonly #alphaIds = new FingerprintIndex();
  readonly #channelIds = new FingerprintIndex();
  #missingCount = 0;

  constructor(options: SecondLookOptions) {
    this.#options = options;
    for (const writer of options.writers.keys()) this.#looks.set(writer, new WriterLook());
  }

  async run(): Promise<void> {
    const channels = this.#channelsKnown();
    await this.#each(ALPHA, (look, { header: { id, ts, entity } }) => {
      if (ts > look.lastTs) look.lastTs = ownCopy(ts);
      this.#alphaIds.add(id);
      channels.add(`channels/${entity}.jsonl`);
    });
    for (const name of channels) {
      await this.#each(name, (look, message) => this.#onChannelLine(name, look, message));
    }
    await this.#each(ALPHA, (look, message) => {
      const { id } = message.header;
      look.notOnAlpha.delete(id); // K1
      if (this.#alphaIds.has(id) && !this.#channelIds.has(id)) this.#note(look.notInChannel, message);
    });
    for (const [writer, look] of this.#looks) this.#judge(writer, look);
    this.#tellOverflow();
  }

  #note(missing: Map<string, Missing>, { header: { id, type, ts }, place }: ReadMessage): void {
    this.#missingCount += 1;
    if (this.#missingCount > MAX_MISSING) return;
    const own = { id: ownCopy(id), type: ownCopy(type), ts: ownCopy(ts), place };
    missing.set(own.id, own);
  }

  #tellOverflow(): void {
    const { log, busDir } = this.#options;
    const more = this.#missingCount - MAX_MISSING;
    if (more > 0) log.warn('unchecked', { path: busDir, line: 0 }, `${more} more messages may stand in one file only`);
  }

  /** Where these writers wrote messages; more may have come into being since. */
  #channelsKnown(): Set<BusFileName> {
    const { writers, channels } = this.#options;
    const known = new Set<BusFileName>();
    for (const { channels: numbers } of writers.values()) {
      if (numbers === undefined) return new Set(channels);
      for (const number of numbers) known.add(channels[number] ?? ALPHA);
    }
    known.delete(ALPHA);
    return known;
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
    const { id, type, ts } = message.header;
    look.lastIds.set(name, ownCopy(id));
    if (ts > look.lastTs) look.lastTs = ownCopy(ts);
    if (isChannelOnly(type)) return;
    if (type === 'outage') look.droppedCount += droppedBy(message.text);
    this.#channelIds.add(id);
    if (!this.#alphaIds.has(id)) this.#note(look.notOnAlpha, message);
  }

  #judge(writer: string, look: WriterLook): void {
    const { log } = this.#options;
    const lastIds = new Set(look.lastIds.values());
    const last = [...look.notOnAlpha.values()].findLast(({ id, ts }) => lastIds.has(id) && ts >= look.lastTs);
    if (last !== undefined) {
      look.notOnAlpha.delete(last.id); // K2
      log.warn(
        'unfinished',
        last.place,
        `the last message (${last.type}) is not on the alpha bus: its writer was killed`,
        writer,
      );
    }
    const missing = [
      ...[...look.notOnAlpha.values()].map((one) => ({ ...one, where: 'on the alpha bus' })),
      ...[...look.notInChannel.values()].map((one) => ({ ...one, where: 'in its channel' })),
    ];
    const [first] = missing;
    if (first === undefined) return;
    if (missing.length <= look.droppedCount) {
      const message = `${missing.length} messages stand in one file only: an outage of the bus dropped them, as its line says`;
      log.warn('dropped', first.place, message, writer); // K3
      return;
    }
    for (const { type, id, where, place } of missing.slice(0, MAX_TOLD)) {
      log.accuse('one-sided', place, `the message ${id} (${type}) is not ${where}: it was removed there`, writer);
    }
    const more = missing.length - MAX_TOLD;
    if (more > 0)
      log.accuse('one-sided', first.place, `and ${more} more messages of this writer stand in one file only`, writer);
  }
}

/** Compares the two sides of these writers message by message, and tells what is missing where. */
export const lookAgain = async (options: SecondLookOptions): Promise<void> => {
  if (options.writers.size > 0) await new SecondLook(options).run();
};
