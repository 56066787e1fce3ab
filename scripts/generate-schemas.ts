/** Writes `config/schemas/*.json` from the zod schemas. `--check`: writes nothing, exits 1 if one is not up to date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editorSchemas } from '../src/config/init/editor-schemas.ts';

const dir = join(import.meta.dirname, '..', 'config', 'schemas');
const isCheck = process.argv.includes('--check');

const tryRead = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not generated yet
  }
};

mkdirSync(dir, { recursive: true });
for (const [name, text] of Object.entries(editorSchemas())) {
  const path = join(dir, name);
  if (tryRead(path) === text) continue;
  if (isCheck) {
    console.error(`config/schemas/${name} is not up to date; run: node scripts/generate-schemas.ts`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`config/schemas/${name}: written`);
  }
}
