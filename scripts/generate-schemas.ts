/** Writes `config/schemas/*.json` and `config/nika.yaml`, which is as a new home gets it, from the zod schemas. `--check`: writes nothing, exits 1 if one is not up to date. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { editorSchemas } from '../src/config/init/editor-schemas.ts';
import { settingsTemplate } from '../src/config/init/settings-template.ts';

const root = join(import.meta.dirname, '..');
const isCheck = process.argv.includes('--check');

const tryRead = (path: string): string | undefined => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined; // not generated yet
  }
};

mkdirSync(join(root, 'config/schemas'), { recursive: true });
const schemas = Object.entries(editorSchemas()).map(([name, text]) => [`config/schemas/${name}`, text] as const);
for (const [name, text] of [...schemas, ['config/nika.yaml', settingsTemplate()] as const]) {
  const path = join(root, name);
  if (tryRead(path) === text) continue;
  if (isCheck) {
    console.error(`${name} is not up to date; run: node scripts/generate-schemas.ts`);
    process.exitCode = 1;
  } else {
    writeFileSync(path, text);
    console.log(`${name}: written`);
  }
}
