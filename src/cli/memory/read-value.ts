/** Owns what `nika wm put` is given: a file or standard input, read no further than it may be long, and its content type. */
import { open } from 'node:fs/promises';
import { extname } from 'node:path';
import { ARTIFACT_MAX_BYTES } from '../../model/artifact.ts';
import { errnoOf, NikaError } from '../../model/error.ts';

/** One more than is allowed tells that it is too long; how long it is, the file says. */
const READ_MAX_BYTES = ARTIFACT_MAX_BYTES + 1;

const TYPES: Readonly<Record<string, string>> = {
  '.json': 'application/json',
  '.md': 'text/markdown; charset=utf-8',
  '.txt': 'text/plain; charset=utf-8',
  '.csv': 'text/csv; charset=utf-8',
  '.html': 'text/html; charset=utf-8',
  '.yaml': 'application/yaml',
  '.yml': 'application/yaml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.pdf': 'application/pdf',
};

const isText = (bytes: Buffer): boolean => !bytes.includes(0) && Buffer.from(bytes.toString()).equals(bytes);

export const guessType = (name: string, bytes: Buffer): string =>
  TYPES[extname(name).toLowerCase()] ?? (isText(bytes) ? 'text/plain; charset=utf-8' : 'application/octet-stream');

/** To its end, so that what writes into the pipe is not killed; what is over the limit is counted only. */
export const readStdinValue = async (stdin: NodeJS.ReadStream): Promise<{ value: Buffer; bytes: number }> => {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of stdin as AsyncIterable<Buffer>) {
    if (bytes < READ_MAX_BYTES) chunks.push(chunk);
    bytes += chunk.length;
  }
  return { value: Buffer.concat(chunks), bytes };
};

/** @throws {NikaError} `NIKA_CLI_USAGE`: there is no such file, or it cannot be read */
export const readFileValue = async (path: string): Promise<{ value: Buffer; bytes: number }> => {
  try {
    await using file = await open(path, 'r');
    const { size } = await file.stat();
    const room = Buffer.alloc(READ_MAX_BYTES); // a pipe, and a file under /proc, say that they have nothing
    let length = 0;
    for (;;) {
      const { bytesRead } = await file.read(room, length, room.length - length);
      length += bytesRead;
      if (bytesRead === 0 || length === room.length) break;
    }
    return { value: room.subarray(0, length), bytes: Math.max(size, length) };
  } catch (cause) {
    const errno = errnoOf(cause) ?? '';
    const why = errno === 'ENOENT' ? 'there is no such file' : errno === 'EISDIR' ? 'it is a folder' : errno;
    throw new NikaError('NIKA_CLI_USAGE', `${path}: ${why}`, {
      subject: path,
      remedy: 'Name a file, or - for standard input.',
      cause,
    });
  }
};
