/** Owns `_bus/blobs/<sha256>`: bodies too long for their line, each once, named by its hash (design, section 5). */
import { hash } from 'node:crypto';
import { closeSync, openSync, readFileSync, renameSync, rmSync, statSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolder } from '../failopen/make-folder.ts';
import { blobsDir, DIR_MODE, FILE_MODE } from './layout.ts';

let counter = 0;

const writeWhole = (path: string, bytes: Buffer): void => {
  const fd = openSync(path, 'wx', FILE_MODE);
  try {
    const written = writeSync(fd, bytes);
    if (written !== bytes.byteLength) throw new Error(`short write: ${written} of ${bytes.byteLength} bytes`);
  } finally {
    closeSync(fd);
  }
};

export const blobPath = (busDir: string, sha256: string): string => join(blobsDir(busDir), sha256);

/**
 * Keeps `text` and gives its SHA-256. It is written beside and renamed, so a blob is whole or absent, also after a kill;
 * after a power cut only if it was synced, which is its writer's work. One that such a cut left short is written anew.
 * @throws a system error (full, read-only): the caller keeps the head alone and counts it.
 */
export const writeBlob = (busDir: string, text: string): string => {
  const bytes = Buffer.from(text, 'utf8');
  const sha256 = hash('sha256', bytes);
  const path = blobPath(busDir, sha256);
  if (statSync(path, { throwIfNoEntry: false })?.size === bytes.byteLength) return sha256;
  makeFolder(blobsDir(busDir), DIR_MODE);
  counter += 1;
  const beside = join(blobsDir(busDir), `.${sha256}.${process.pid}.${counter}.tmp`);
  try {
    writeWhole(beside, bytes);
    renameSync(beside, path);
  } catch (cause) {
    rmSync(beside, { force: true }); // a full disk: give back what was taken
    throw cause;
  }
  return sha256;
};

/** The text of a blob. @throws a system error */
export const readBlobText = (busDir: string, sha256: string): string =>
  readFileSync(join(blobsDir(busDir), sha256), 'utf8');
