/** Owns reading the messages of a file a second time, for what a verification could not settle while it went by. */
import { NikaError } from '../../../model/error.ts';
import type { BusFile } from '../files.ts';
import { type RawLine, readLines } from '../lines.ts';
import { type LineHeader, tryReadHeader } from './form.ts';
import type { Place } from './finding.ts';

export interface ReadMessage {
  readonly header: LineHeader;
  readonly text: string;
  readonly place: Place;
}

const messagesOf = (lines: readonly RawLine[], path: string): readonly ReadMessage[] =>
  lines.flatMap(({ text, line, kind }) => {
    const header = kind === 'torn' ? undefined : tryReadHeader(text);
    return header === undefined ? [] : [{ header, text, place: { path, line } }];
  });

/** The lines of the file in batches; what cannot be read was told before, and is left out. */
export async function* readMessages(
  file: BusFile,
  signal: AbortSignal | undefined,
): AsyncGenerator<readonly ReadMessage[]> {
  for (const part of file.parts) {
    try {
      for await (const lines of readLines(part, signal === undefined ? {} : { signal }))
        yield messagesOf(lines, part.path);
    } catch (thrown) {
      if (!part.compressed || !(thrown instanceof NikaError)) throw thrown;
    }
  }
}
