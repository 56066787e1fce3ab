/** Owns reading the messages of a file a second time, for what a verification could not settle while it went by. */
import { type BusFile } from '../files.ts';
import { readLines } from '../lines.ts';
import { type LineHeader, tryReadHeader } from './form.ts';
import type { Place } from './finding.ts';

export interface ReadMessage {
  readonly header: LineHeader;
  readonly text: string;
  readonly place: Place;
}

/** The lines of the file in batches; what cannot be read is left out. */
export async function* readMessages(file: BusFile, signal: AbortSignal | undefined): AsyncGenerator<ReadMessage[]> {
  for (const part of file.parts) {
    for await (const lines of readLines(part, signal === undefined ? {} : { signal })) {
      const messages: ReadMessage[] = [];
      for (const { text, line, kind } of lines) {
        const header = kind === 'torn' ? undefined : tryReadHeader(text);
        if (header !== undefined) messages.push({ header, text, place: { path: part.path, line } });
      }
      yield messages;
    }
  }
}
