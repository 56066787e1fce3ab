import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { formatProblem } from './problem.ts';
import { parseYaml, readYaml } from './yaml-file.ts';

const problems = (text: string, file = 'x.yaml'): readonly string[] => {
  const outcome = parseYaml(file, text);
  return outcome.ok ? [] : outcome.problems.map(formatProblem);
};

const parsed = (text: string) => {
  const outcome = parseYaml('x.yaml', text);
  if (!outcome.ok) throw new Error(outcome.problems.map(formatProblem).join('\n'));
  return outcome.yaml;
};

describe('parseYaml', () => {
  it('tells what breaks a file at its line and column', () => {
    expect(problems('a: 1\na: 2')).toEqual(['x.yaml:2:1: this field stands here twice; remove one']);
    expect(problems('a:\n\t- b')).toEqual(['x.yaml:2:1: a tab indents this line; use spaces']);
    expect(problems('a: b\n---\nc: d')).toEqual(['x.yaml:2:1: a second document begins here (---); a file holds one']);
    expect(problems('x: !failure()')).toEqual(['x.yaml:1:4: "!" begins a tag in YAML; put the text in quotes']);
    expect(problems('a: *b')).toEqual(['x.yaml:1:4: *b leads nowhere: no anchor &b stands before it']);
    expect(problems('a: &a [*a]')).toEqual(['x.yaml:1:8: *a leads nowhere: it stands within its own anchor']);
    expect(problems('a: "b')).toEqual(['x.yaml:1:6: not YAML: missing closing "quote']);
  });

  it('says that a template within brackets belongs into quotes, once for the line', () => {
    expect(problems('argv: [ls, ${{ inputs.x }}]')).toEqual([
      expect.stringContaining('put the text with ${{ … }} in quotes'),
    ]);
  });

  it('does not let aliases grow without end', () => {
    const rows = ['- &a0 [x, x, x, x, x, x, x, x, x, x]'];
    for (let at = 1; at < 9; at += 1) rows.push(`- &a${at} [${`*a${at - 1}, `.repeat(9)}*a${at - 1}]`);
    expect(problems(rows.join('\n'))).toEqual([expect.stringMatching(/^x\.yaml: not YAML: Excessive alias count/)]);
  });

  it('holds a .json file to JSON', () => {
    expect(problems('{"a": 1,}', 'x.json')).toEqual([expect.stringMatching(/^x\.json:1:9: not JSON: /)]);
    expect(problems('{\n\t"a": 1\n}', 'x.json')).toEqual([]);
  });

  it('knows the place of keys, values, list entries, and of what is missing', () => {
    const yaml = parsed('a:\n  b: 1\n  list:\n    - x\n    - { c: 2 }\nempty:\n');
    expect(yaml.locate(['a', 'b'])).toEqual({ line: 2, column: 6 });
    expect(yaml.locate(['a', 'b'], true)).toEqual({ line: 2, column: 3 });
    expect(yaml.locate(['a', 'list', 1, 'c'])).toEqual({ line: 5, column: 12 });
    expect(yaml.locate(['a', 'list', 1, 'missing'])).toEqual({ line: 5, column: 7 });
    expect(yaml.locate(['empty'])).toEqual({ line: 6, column: 7 });
    expect(yaml.locate(['nowhere'])).toEqual({ line: 1, column: 1 });
  });

  it('finds a place within a text: the nth mark, and so many characters on', () => {
    const yaml = parsed('a: x ${{ one }} and ${{ two }}\nb: |\n  first\n  ${{ three }}\n');
    expect(yaml.locateInText(['a'], { mark: '${{', nth: 1, offset: 4 })).toEqual({ line: 1, column: 25 });
    expect(yaml.locateInText(['b'], { mark: '${{', nth: 0, offset: 4 })).toEqual({ line: 4, column: 7 });
  });

  it('gives merged and anchored values as they are meant', () => {
    expect(parsed('base: &b { x: 1 }\nmore: { <<: *b, y: 2 }').value).toEqual({ base: { x: 1 }, more: { x: 1, y: 2 } });
  });
});

describe('readYaml', () => {
  const told = (file: string): readonly string[] => {
    const outcome = readYaml(file);
    return outcome.ok ? [] : outcome.problems.map(formatProblem);
  };

  it('tells a folder, a missing file, a binary and a huge one apart', () => {
    const dir = mkdtempSync(join(tmpdir(), 'nika-yaml-'));
    try {
      expect(told(dir)).toEqual([`${dir}: is a folder; must be a file`]);
      expect(told(join(dir, 'no'))).toEqual([`${join(dir, 'no')}: there is no such file`]);
      writeFileSync(join(dir, 'binary'), Buffer.from([0x61, 0xff, 0xfe]));
      expect(told(join(dir, 'binary'))).toEqual([`${join(dir, 'binary')}: is not UTF-8 text`]);
      writeFileSync(join(dir, 'huge'), 'x'.repeat(4 * 1024 ** 2 + 1));
      expect(told(join(dir, 'huge'))).toEqual([expect.stringContaining('must have at most 4194304')]);
      expect(readYaml(join(dir, 'no'), { ifAbsent: 'empty' })).toMatchObject({ ok: true, yaml: { value: null } });
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});
