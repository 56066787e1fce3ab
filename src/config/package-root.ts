/** Owns where nika itself is installed: from `src/` in a checkout and from `dist/` in a package alike. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { z } from 'zod';

const manifestSchema = z.object({ name: z.literal('nika'), version: z.string() });

interface Package {
  readonly dir: string;
  readonly version: string;
}

const tryManifest = (dir: string): Package | undefined => {
  try {
    const parsed = manifestSchema.safeParse(JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8')));
    return parsed.success ? { dir, version: parsed.data.version } : undefined;
  } catch {
    return undefined; // no package.json here, or not one of ours
  }
};

const findPackage = (): Package => {
  for (let dir = import.meta.dirname; ; dir = dirname(dir)) {
    const found = tryManifest(dir);
    if (found !== undefined) return found;
    if (dir === dirname(dir)) return { dir: import.meta.dirname, version: '0.0.0' }; // copied out of its package
  }
};

let known: Package | undefined;

/** The nearest folder upward from this file whose package.json says "nika". Absolute. */
export const packageRoot = (): string => (known ??= findPackage()).dir;

export const readVersion = (): string => (known ??= findPackage()).version;
