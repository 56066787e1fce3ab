import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { NikaError } from '../../model/error.ts';
import type { Scope } from './evaluate.ts';
import { shellQuote, shellRefusals } from './shell-quote.ts';
import { parseTemplate, renderCommand, renderTemplates, renderToolInput, shouldRun } from './template.ts';

const scopeOf = (inputs: Record<string, unknown>): Scope => ({
  inputs,
  steps: {},
  job: { id: 'JOB-x', name: 'x', dir: '/jobs', cwd: '/repo' },
  env: {},
  nika: { node: '/usr/bin/node', home: '/home' },
});

describe('renderTemplates', () => {
  const scope = scopeOf({ n: 5, list: ['a', 'b'], text: 'x', tricky: '${{ inputs.n }}', no: null });

  it('keeps the type of a text that is one template, and makes text of all others', () => {
    expect(renderTemplates('${{ inputs.n }}', scope)).toBe(5);
    expect(renderTemplates('  ${{ inputs.list }}\n', scope)).toEqual(['a', 'b']);
    expect(renderTemplates('n=${{ inputs.n }}, ${{inputs.list}}${{ inputs.no }}.', scope)).toBe('n=5, ["a","b"].');
    expect(renderTemplates('${{ inputs.missing }}', scope)).toBe(null);
  });

  it('goes down lists and fields, and leaves all else as it is', () => {
    const value = { a: ['${{ inputs.n }}', 1, null], b: { c: 'x${{ inputs.text }}' }, d: '$ {{ }} $x' };
    expect(renderTemplates(value, scope)).toEqual({ a: [5, 1, null], b: { c: 'xx' }, d: '$ {{ }} $x' });
  });

  it('never reads as a template what a value holds', () => {
    expect(renderTemplates('${{ inputs.tricky }} ${{ inputs.tricky }}', scope)).toBe('${{ inputs.n }} ${{ inputs.n }}');
  });

  it('takes }} within quotes for text', () => {
    expect(renderTemplates('${{ \'}}\' }}${{ "}}" }}', scope)).toBe('}}}}');
  });

  it('names the character at which a template is broken', () => {
    expect(parseTemplate('ab ${{ inputs.n')).toEqual({
      ok: false,
      problem: { message: 'expected an operator or "}}", not the end', at: 15 },
    });
    expect(() => renderTemplates('${{ 1 2 }}', scope)).toThrow(NikaError);
  });
});

describe('renderCommand', () => {
  it('gives a real shell every value as one word, whatever is in it', () => {
    const values = fc.array(
      fc.oneof(
        fc.string(),
        fc.string({ unit: 'binary' }),
        fc.constantFrom("'", "''", '$(id)', '`id`', '\n', '-n', '\\', '"; id', '*'),
      ),
      {
        minLength: 1,
        maxLength: 8,
      },
    );
    fc.assert(
      fc.property(values, (raw) => {
        const list = raw.map((text) => text.replaceAll('\0', '').toWellFormed());
        const command = renderCommand(
          "printf '%s\\0' ${{ inputs.list }} ${{ inputs.first }}",
          scopeOf({ list, first: list[0] }),
        );
        expect(execFileSync('/bin/sh', ['-c', command], { encoding: 'utf8' })).toBe([...list, list[0], ''].join('\0'));
      }),
      { numRuns: 25 },
    );
  });

  it('refuses a NUL character, which no program can be given', () => {
    expect(() => renderCommand('echo ${{ inputs.x }}', scopeOf({ x: 'a\0b' }))).toThrow('NUL');
  });

  it('refuses, at the run too, a place where quoting would not hold', () => {
    expect(() => renderCommand('echo "${{ inputs.x }}"', scopeOf({ x: '$(id)' }))).toThrow('leave the quotes away');
  });

  it('quotes the command line of shell only; a list of arguments takes values as they are', () => {
    const scope = scopeOf({ x: "it's", n: 3 });
    expect(renderToolInput('shell', { command: 'echo ${{ inputs.x }}', cwd: '${{ inputs.x }}' }, scope)).toEqual({
      command: String.raw`echo 'it'\''s'`,
      cwd: "it's",
    });
    expect(renderToolInput('shell', { argv: ['echo', '${{ inputs.x }}', '${{ inputs.n }}'] }, scope)).toEqual({
      argv: ['echo', "it's", '3'],
    });
    expect(renderToolInput('http', { url: 'x', command: '${{ inputs.n }}' }, scope)).toEqual({ url: 'x', command: 3 });
  });
});

describe('shellRefusals', () => {
  /** `@` stands for a value. */
  const refusals = (command: string): readonly (string | undefined)[] => shellRefusals(command.split('@'));

  it.each([
    'echo @ --x=@ >@ <<<@',
    'a="b c" @',
    "a='b' @ 'c'",
    'echo "$(basename @)"',
    'echo "x ${y:-z} $((1+2))" @',
    'for f in @; do echo "$f"; done # done',
    'echo a#b @',
    String.raw`echo \" @ \\@`,
    'case $x in a) echo @ ;; esac',
    '(cd @ && ls)',
  ])('lets a value stand in: %s', (command) => {
    expect(refusals(command).every((refusal) => refusal === undefined)).toBe(true);
  });

  it.each([
    'echo "@"',
    "echo '@'",
    'echo "a $(b "@")"',
    String.raw`echo \@`,
    'echo $@',
    'echo `basename @`',
    'echo # @',
    'cat <<EOF\n@\nEOF',
    'echo ${x:-@}',
    'echo $((@ + 1))',
    '(( @ ))',
    "echo $'a' @",
    'echo "$(case x in a) echo "@";; esac)"',
  ])('refuses a value in: %s', (command) => {
    expect(refusals(command).at(-1)).toMatch(/no value can /);
  });

  it('leaves no place open in which a real shell runs a value as code', () => {
    const dir = mkdtempSync(join(tmpdir(), 'nika-quote-'));
    const pieces = [
      "'",
      '"',
      '\\',
      '$',
      '(',
      ')',
      '`',
      '#',
      ' ',
      '\n',
      'a',
      '<<E\n',
      '${',
      '}',
      ';',
      '$((',
      "$'",
      'case x in a)',
      'x=',
      'echo ',
    ];
    const starts = fc.array(fc.constantFrom(...pieces), { maxLength: 6 }).map((parts) => parts.join(''));
    const ends = fc.constantFrom('', '"', "'", ')', '")', '}', '\nE\n', ' esac)"');
    const attack = `'; touch run; '"; touch run; "$(touch run)\`touch run\`\ntouch run\n`;
    try {
      fc.assert(
        fc.property(starts, ends, (start, end) => {
          fc.pre(shellRefusals([start, end])[0] === undefined);
          spawnSync('/bin/sh', ['-c', start + shellQuote(attack) + end], { cwd: dir, stdio: 'ignore', timeout: 5_000 });
          expect(readdirSync(dir)).toEqual([]);
        }),
        { numRuns: 100 },
      );
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

describe('shouldRun', () => {
  const scope = scopeOf({ deep: true, off: false });

  it('means success() unless a status stands in the condition', () => {
    expect([shouldRun(undefined, scope, { failed: false }), shouldRun(undefined, scope, { failed: true })]).toEqual([
      true,
      false,
    ]);
    expect([
      shouldRun('inputs.deep', scope, { failed: false }),
      shouldRun('inputs.deep', scope, { failed: true }),
    ]).toEqual([true, false]);
    expect([
      shouldRun('always()', scope, { failed: true }),
      shouldRun('${{ failure() && inputs.deep }}', scope, { failed: true }),
    ]).toEqual([true, true]);
    expect([
      shouldRun('failure()', scope, { failed: false }),
      shouldRun('!success()', scope, { failed: true }),
    ]).toEqual([false, true]);
    expect([shouldRun(false, scope, { failed: false }), shouldRun(true, scope, { failed: true })]).toEqual([
      false,
      false,
    ]);
  });

  it('refuses text around the expression: it would always hold', () => {
    expect(() => shouldRun('${{ inputs.off }} == true', scope, { failed: false })).toThrow('no text around');
  });
});
