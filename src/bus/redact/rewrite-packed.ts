/**
 * Owns putting tombstones into a compressed file of the bus: written anew beside it, on stable storage, then renamed, with
 * the time of the old one, since readers pass over what is older than they ask for.
 */
import { renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { nothing, syncFolder, writeBeside } from '../pack-file.ts';
import { readChunks } from '../read/chunks.ts';
import type { BusFilePart } from '../read/files.ts';
import { patchesOf, type TargetsById } from './patch.ts';
import type { LineTarget } from './target.ts';

const optionsOf = (signal: AbortSignal | undefined) => (signal === undefined ? {} : { signal });

async function* patched(part: BusFilePart, targets: TargetsById, signal?: AbortSignal): AsyncGenerator<Uint8Array> {
  for await (const chunk of readChunks(part, optionsOf(signal))) {
    const bytes = Buffer.from(chunk.bytes);
    for (const { at, tombstone } of patchesOf(chunk, targets)) tombstone.copy(bytes, at);
    yield bytes;
  }
}

/**
 * The targets whose tombstones stand in it now. It stays as it is where none is to be written.
 * @throws {NikaError} `NIKA_BUS_UNREADABLE` where it is damaged; a system error (a full disk): then it is as it was.
 */
export const rewritePacked = async (
  part: BusFilePart,
  targets: TargetsById,
  signal?: AbortSignal,
): Promise<readonly LineTarget[]> => {
  const found: LineTarget[] = [];
  let mustWrite = false;
  for await (const chunk of readChunks(part, optionsOf(signal))) {
    for (const { target, isDone } of patchesOf(chunk, targets)) {
      found.push(target);
      mustWrite ||= !isDone;
    }
  }
  if (!mustWrite) return found;
  const file = { path: part.path.slice(0, -'.gz'.length), mtimeMs: part.mtimeMs };
  const temp = await writeBeside(file, { packed: nothing(), plain: patched(part, targets, signal) }, signal);
  renameSync(temp, part.path);
  await syncFolder(dirname(part.path));
  return found;
};
