import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { aclLine, trialOf, USED_COMMANDS } from './commands.ts';

const root = join(import.meta.dirname, '../..');
const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');
const found = (text: string, pattern: RegExp): readonly string[] =>
  Array.from(text.matchAll(pattern), ([, name = '']) => name.toLowerCase());

/** Of these a user is given subcommands. */
const CONTAINERS: readonly string[] = ['XGROUP', 'XINFO'];

const names = USED_COMMANDS.map(({ name }) => name);
const firstWords = new Set(names.map((name) => name.split('|')[0]));

describe('the commands that nika uses', () => {
  const scripts = globSync('src/redis/scripts/*.lua.ts', { cwd: root });

  it.each(scripts)('are all that the script calls, and all that it asks the right for: %s', (file) => {
    const text = textOf(file);
    const called = Array.from(text.matchAll(/redis\.p?call\('(\w+)'(?:, '([A-Z]+)')?/g), ([, name = '', sub = '']) =>
      (CONTAINERS.includes(name) ? `${name}|${sub}` : name).toLowerCase(),
    );
    const list = Array.from(text.matchAll(/createScript\(\s*\[([^\]]*)\]/g), ([, names = '']) => names).join();
    const asked = found(list, /'([\w|]+)'/g);
    expect(called.length).toBeGreaterThan(0);
    expect(new Set([...asked, 'expire'])).toEqual(new Set([...called, 'expire']));
    expect(names).toEqual(expect.arrayContaining([...called]));
  });

  it('are all that the source sends over a link', () => {
    const files = globSync('src/**/*.ts', { cwd: root }).filter((file) => !file.endsWith('.test.ts'));
    const sent = files.flatMap((file) => found(textOf(file), /\bname: '(\w+)',\s*args\b/g));
    expect(sent).toContain('evalsha');
    expect(sent.filter((name) => !firstWords.has(name))).toEqual([]);
  });

  it('stand there once each', () => {
    expect(new Set(names).size).toBe(names.length);
  });

  it('are sent with a subcommand as the first argument', () => {
    const command = USED_COMMANDS.find(({ name }) => name === 'xinfo|stream');
    expect(command && trialOf(command, { key: 'nika:x', db: 0 })).toEqual({
      name: 'xinfo',
      args: ['stream', 'nika:x'],
    });
  });
});

describe('config/redis/nika.acl', () => {
  it('grants exactly these, on the keys of nika alone, and has no password', () => {
    const text = textOf('config/redis/nika.acl');
    expect(text).toBe(`${aclLine()}\n`);
    expect(text).not.toContain('>');
  });
});
