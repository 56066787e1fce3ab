/** Owns which bodies a line refers to, and the removing of bodies (`_bus/blobs/`). */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { blobPath } from '../blob.ts';
import { blobsDir } from '../layout.ts';
import type { BusLine } from '../line.ts';
import { syncFolder } from '../pack-file.ts';

const SHA256 = /^[0-9a-f]{64}$/;

const blobOf = (body: unknown): readonly string[] => {
  if (typeof body !== 'object' || body === null || Object.keys(body).length !== 3) return [];
  if (!('$blob' in body && 'bytes' in body && 'head' in body)) return []; // tool input of a form alike
  const { $blob: sha256 } = body;
  return typeof sha256 === 'string' && SHA256.test(sha256) ? [sha256] : [];
};

/** SHA-256 of each. */
export const blobsOf = ({ data }: Pick<BusLine, 'data'>): readonly string[] => Object.values(data).flatMap(blobOf);

/** Removes those that are there, and what a killed writer has left of them; how many were there. @throws a system error. */
export const removeBlobs = async (busDir: string, blobs: readonly string[]): Promise<number> => {
  const dir = blobsDir(busDir);
  if (blobs.length === 0 || !existsSync(dir)) return 0;
  let removed = 0;
  for (const sha256 of blobs) {
    const path = blobPath(busDir, sha256);
    if (existsSync(path)) removed += 1;
    rmSync(path, { force: true });
  }
  for (const name of readdirSync(dir)) {
    if (name.startsWith('.') && blobs.some((sha256) => name.startsWith(`.${sha256}.`)))
      rmSync(join(dir, name), { force: true });
  }
  await syncFolder(dir);
  return removed;
};
