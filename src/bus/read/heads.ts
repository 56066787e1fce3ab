/**
 * Owns heads: the last hash of each writer in each file. Kept elsewhere, they prove later that nothing before them was
 * computed anew (G8).
 */
import { z } from 'zod';
import { NikaError } from '../../model/error.ts';
import type { Head } from '../../model/message.ts';
import { type BusFile, listBusFiles } from './files.ts';
import { readLines } from './lines.ts';
import { ownCopy } from './own-copy.ts';
import { tryReadHeader } from './verify/form.ts';

const HASH_AT_END = /"([0-9a-f]{64})"\}$/;

const headsOf = async ({ name, parts }: BusFile, signal: AbortSignal | undefined): Promise<Head[]> => {
  const heads = new Map<string, Head>();
  for (const part of parts) {
    for await (const lines of readLines(part, signal === undefined ? {} : { signal })) {
      for (const { text, kind } of lines) {
        const header = kind === 'torn' ? undefined : tryReadHeader(text);
        if (header === undefined || header.seq < (heads.get(header.writer)?.seq ?? 0)) continue;
        const h = HASH_AT_END.exec(text.slice(-80))?.[1];
        if (h === undefined) continue;
        const writer = ownCopy(header.writer);
        heads.set(writer, { file: name, writer, seq: header.seq, h: ownCopy(h) });
      }
    }
  }
  return [...heads.values()];
};

/**
 * The head of every writer in every file, the alpha bus first. Nothing is verified here.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE`; the signal's reason when it is aborted.
 */
export const readHeads = async (busDir: string, signal?: AbortSignal): Promise<readonly Head[]> => {
  const heads: Head[] = [];
  for (const file of listBusFiles(busDir)) for (const head of await headsOf(file, signal)) heads.push(head);
  return heads;
};

const headSchema = z.object({
  file: z.string().min(1),
  writer: z.string().min(1),
  seq: z.int().min(1),
  h: z.string().regex(/^[0-9a-f]{64}$/),
});

const parseValues = (text: string): readonly unknown[] => {
  if (text.trimStart().startsWith('[')) {
    const value: unknown = JSON.parse(text);
    if (Array.isArray(value)) return value;
  }
  return text.split('\n').flatMap((line): unknown[] => (line.trim() === '' ? [] : [JSON.parse(line)]));
};

/**
 * Heads as `nika bus heads --json` prints them, one to a line, or as one JSON list.
 * @throws {NikaError} `NIKA_CLI_USAGE` where the text is no such thing; `subject` is `source`.
 */
export const parseHeads = (text: string, source = 'heads'): readonly Head[] => {
  const remedy = 'Give a file that "nika bus heads --json" has written.';
  try {
    const heads = z.array(headSchema).parse(parseValues(text));
    if (heads.length > 0) return heads;
  } catch (cause) {
    throw new NikaError('NIKA_CLI_USAGE', `${source} does not hold heads`, { subject: source, remedy, cause });
  }
  throw new NikaError('NIKA_CLI_USAGE', `${source} holds no heads`, { subject: source, remedy });
};
