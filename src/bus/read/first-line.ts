/** Owns the first line of a bus file, which tells whose channel it is; plain or compressed. */
import type { BusFileName } from '../layout.ts';
import { type BusLine, tryParseLine } from '../line.ts';
import { findBusFile } from './files.ts';
import { readLines } from './lines.ts';

/** The first whole line of the file; `undefined` where there is no such file or line. @throws {NikaError} unreadable. */
export const readFirstLine = async (busDir: string, name: BusFileName): Promise<BusLine | undefined> => {
  for (const part of findBusFile(busDir, name)?.parts ?? []) {
    for await (const batch of readLines(part)) {
      for (const { text } of batch) {
        const line = tryParseLine(text);
        if (line !== undefined) return line;
      }
    }
  }
  return undefined;
};
