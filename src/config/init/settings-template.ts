/** Owns the commented `config/nika.yaml` that a new home gets: every setting with its default, made from the schema. */
import type { z } from 'zod';
import { descriptionOf, listSettings, type SettingInfo, shapeOf } from './setting-list.ts';
import { settingsSchema } from '../settings.ts';

const WIDTH = 100;

const HEAD = `# yaml-language-server: $schema=./schemas/nika.schema.json
#
# The settings of nika. Each line that is commented out shows the default: take the "# " away to change it.
# Sizes: 64MiB, 100MB, or a number of bytes. Durations: 30s, 10m, 1h30m.
# The environment goes before this file: NIKA_BUS_SEGMENT_BYTES=16MiB sets bus.segmentBytes.
`;

const comment = (text: string, indent: string): string => {
  const lines = [''];
  for (const word of text.split(' ')) {
    const last = lines.at(-1) ?? '';
    if (last !== '' && last.length + word.length + 1 > WIDTH - indent.length - 2) lines.push(word);
    else lines[lines.length - 1] = last === '' ? word : `${last} ${word}`;
  }
  return lines.map((line) => `${indent}# ${line}\n`).join('');
};

const flow = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value));

const setting = ({ path, fallback, example, description }: SettingInfo, indent: string): string => {
  const key = path.at(-1) ?? '';
  if (fallback === undefined)
    return `${comment(`${description} No default; for example:`, indent)}${indent}# ${key}: ${flow(example)}\n`;
  const shown = example === undefined ? '' : `${indent}# For example: ${key}: ${flow(example)}\n`;
  return `${comment(description, indent)}${shown}${indent}# ${key}: ${flow(fallback)}\n`;
};

const section = (name: string, schema: z.core.$ZodType, above: readonly string[]): string => {
  const indent = '  '.repeat(above.length);
  const path = [...above, name];
  const all = listSettings(schema, path);
  const fields = Object.entries(shapeOf(schema) ?? {}).map(([key, field]) => {
    if (shapeOf(field) !== undefined) return section(key, field, path);
    const info = all.find((candidate) => candidate.path.length === path.length + 1 && candidate.path.at(-1) === key);
    return info === undefined ? '' : setting(info, `${indent}  `);
  });
  return `${comment(descriptionOf(schema), indent)}${indent}${name}:\n${fields.join('\n')}`;
};

export const settingsTemplate = (): string => {
  const all = listSettings(settingsSchema);
  const sections = Object.entries(shapeOf(settingsSchema) ?? {}).map(([name, schema]) => {
    const map = all.find(({ path }) => path.length === 1 && path[0] === name); // its names are the user's
    return map === undefined ? section(name, schema, []) : setting(map, '');
  });
  return [HEAD, ...sections].join('\n');
};
