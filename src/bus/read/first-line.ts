/** Owns the first line of a bus file, which tells whose channel it is; plain or compressed. */
import { createReadStream, type ReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { createGunzip, type Gunzip } from 'node:zlib';
import { errnoOf } from '../../model/error.ts';
import { type BusFileName, busPath } from '../layout.ts';
import { type BusLine, LINE_MAX_BYTES, tryParseLine } from '../line.ts';

const readHead = async (stream: ReadStream | Gunzip): Promise<string> => {
  let text = '';
  for await (const chunk of stream) {
    text += String(chunk);
    if (text.includes('\n') || text.length > 2 * LINE_MAX_BYTES) break;
  }
  return text;
};

const readFrom = async (path: string): Promise<BusLine | undefined> => {
  const file = createReadStream(path);
  const gunzip = createGunzip();
  try {
    if (!path.endsWith('.gz')) return tryParseLine(firstOf(await readHead(file)));
    const piped = pipeline(file, gunzip).catch(() => undefined); // ended early on purpose; a torn file shows as no line
    const line = tryParseLine(firstOf(await readHead(gunzip)));
    gunzip.destroy();
    await piped;
    return line;
  } catch (thrown) {
    if (errnoOf(thrown) === 'ENOENT') return undefined;
    throw thrown;
  } finally {
    file.destroy();
  }
};

const firstOf = (text: string): string => text.split('\n', 1)[0] ?? '';

/** The first whole line of the file, `undefined` where there is no such file or line. @throws other system errors. */
export const readFirstLine = async (busDir: string, name: BusFileName): Promise<BusLine | undefined> => {
  const path = busPath(busDir, name);
  return (await readFrom(`${path}.gz`)) ?? (await readFrom(path));
};
