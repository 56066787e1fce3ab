/** Owns which files there are under a folder, and what the system says of them. */
import { readdirSync, type Stats, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../../model/error.ts';
import type { ReadOptions } from './told.ts';

type Told = ReadOptions['onUnreadable'];

/** All files under a folder, or the file itself. Links are not followed; a folder that cannot be read is told. */
export const filesUnder = (place: string, onUnreadable: Told): readonly string[] => {
  const stat = tryStat(place);
  if (stat === undefined) return [];
  if (!stat.isDirectory()) return [place];
  const files: string[] = [];
  const folders = [place];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    try {
      for (const entry of readdirSync(folder, { withFileTypes: true })) {
        const path = join(folder, entry.name);
        if (entry.isDirectory()) folders.push(path);
        else if (entry.isFile()) files.push(path);
      }
    } catch (thrown) {
      onUnreadable({ file: folder, line: 0, why: errorMessage(thrown) });
    }
  }
  return files.sort();
};

export const tryStat = (path: string): Stats | undefined => {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch {
    return undefined; // whoever reads it is told why
  }
};

/** Size of some files together, and when the youngest was written. */
export const sizeOf = (paths: readonly string[]): { readonly bytes: number; readonly changedAtMs: number } => {
  const stats = paths.flatMap((path) => tryStat(path) ?? []);
  return {
    bytes: stats.reduce((sum, { size }) => sum + size, 0),
    changedAtMs: Math.floor(stats.reduce((latest, { mtimeMs }) => Math.max(latest, mtimeMs), 0)),
  };
};
