/**
 * Owns the form of an artifact's file in the home: a line of JSON that says what it is, then the value as it is. A file is
 * replaced as a whole, so that nobody reads half of one.
 */
import { open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { errnoOf } from '../../model/error.ts';
import { parseKeyPart } from '../../redis/keys.ts';
import type { Artifact, ArtifactVersion } from './artifact.ts';

const FILE_MODE = 0o600;
/** The line at the beginning is shorter. */
const HEAD_BYTES = 2 * 1024;
const LINE_FEED = 0x0a;

export const VALUE_ENDING = '.art';
/** Of one that was deleted. */
export const GONE_ENDING = '.gone';

const headSchema = z.object({
  v: z.literal(1),
  artifact: z.string().transform(parseKeyPart),
  content_type: z.string(),
  bytes: z.int(),
  sha256: z.string(),
  session_id: z.string(),
  ts: z.number(),
  deleted: z.boolean().default(false),
});

let tempCount = 0;

const parseHead = (bytes: Buffer): { readonly version: ArtifactVersion; readonly headBytes: number } | undefined => {
  const end = bytes.indexOf(LINE_FEED);
  if (end === -1) return undefined;
  try {
    const parsed = headSchema.parse(JSON.parse(bytes.subarray(0, end).toString()));
    const { artifact, content_type: contentType, bytes: size, sha256, session_id: session, ts, deleted } = parsed;
    const head = { artifact, contentType, bytes: size, sha256, session, ts };
    return { version: { head, isDeleted: deleted }, headBytes: end + 1 };
  } catch {
    return undefined; // half written by a machine that lost its power
  }
};

const isMissing = (thrown: unknown): boolean => errnoOf(thrown) === 'ENOENT';

/** `undefined`: there is none, or none that can be read. @throws a system error */
export const readVersion = async (path: string): Promise<ArtifactVersion | undefined> => {
  try {
    await using file = await open(path, 'r');
    const { bytesRead, buffer } = await file.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return parseHead(buffer.subarray(0, bytesRead))?.version;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
};

/** With its value, if all of it is there. @throws a system error */
export const readArtifact = async (path: string): Promise<Artifact | undefined> => {
  try {
    const bytes = await readFile(path);
    const parsed = parseHead(bytes);
    if (parsed === undefined || parsed.version.isDeleted) return undefined;
    const value = bytes.subarray(parsed.headBytes);
    return value.length === parsed.version.head.bytes ? { ...parsed.version.head, value } : undefined;
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
};

/** Whether it is left by a process that died while it wrote. */
export const isTemp = (name: string): boolean => name.startsWith('.');

/** Replaces the file of that name as a whole. `value` is nothing for a deletion. @throws a system error */
export const writeVersion = async (
  dir: string,
  { head, isDeleted }: ArtifactVersion,
  value: Uint8Array = new Uint8Array(),
): Promise<void> => {
  const { artifact, contentType, bytes, sha256, session, ts } = head;
  const line = { v: 1, artifact, content_type: contentType, bytes, sha256, session_id: session, ts };
  const text = JSON.stringify(isDeleted ? { ...line, deleted: true } : line);
  tempCount += 1;
  const temp = join(dir, `.${process.pid}-${tempCount}`);
  try {
    await writeFile(temp, Buffer.concat([Buffer.from(`${text}\n`), value]), { mode: FILE_MODE });
    await rename(temp, join(dir, `${artifact}${isDeleted ? GONE_ENDING : VALUE_ENDING}`));
  } catch (thrown) {
    await rm(temp, { force: true });
    throw thrown;
  }
};
