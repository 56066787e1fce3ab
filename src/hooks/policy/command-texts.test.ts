import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { argvTexts, commandLineTexts } from './command-texts.ts';
import { compileGlob } from './glob.ts';

const isPush = compileGlob('git push --force*');
const isSeen = (line: string): boolean => commandLineTexts(line).views.some(isPush);

describe('a forbidden command is seen', () => {
  it.each([
    'git push --force',
    'git  push \t --force origin',
    'cd x && git push --force',
    'false || git push --force',
    'true; git push --force;',
    'git push --force & wait',
    'yes | git push --force',
    'cd x\ngit push --force',
    '(git push --force)',
    '{ git push --force; }',
    'echo $(git push --force)',
    'echo `git push --force`',
    'echo "a $(git push --force) b"',
    'echo "$(echo ")" ; git push --force)"',
    'diff <(git push --force) x',
    `"git" 'push' --for"ce"`,
    String.raw`g\it push --fo''rce`,
    'git \\\n  push --force',
    'git$IFS"push"${IFS}--force',
    '{git,push,--force}',
    '/usr/bin/git push --force',
    'GIT_DIR=x A="b c" git push --force',
    'if true; then git push --force; fi',
    'for i in 1 2; do git push --force; done',
    '! git push --force',
    'time git push --force',
    `sh -c 'git push --force'`,
    `bash -lc "cd x; git push --force"`,
    `bash -c 'sh -c "git push --force"'`,
    `eval "git push --force"`,
    'eval git push --force',
    'env -i A=b git push --force',
    'sudo -u me git push --force',
    'timeout -k 5 10 git push --force',
    'nohup nice -n 5 git push --force',
    'echo --force | xargs git push --force',
    String.raw`find . -exec git push --force \;`,
    `bash <<< 'git push --force'`,
    'bash <<EOF\ngit push --force\nEOF',
    'echo git push --force | sh',
    `echo 'git push --force' | sh`,
    'cat <<EOF\n$(git push --force)\nEOF',
    `cat <<EOF\ndon't\nEOF\ngit push --force; echo can't`,
    `# don't\ngit push --force`,
    `echo it's; git push --force`,
    'echo "open; git push --force',
    'echo 2>&1 && git push --force',
    `${'$('.repeat(200)}git push --force`,
  ])('%s', (line) => {
    expect(isSeen(line)).toBe(true);
  });

  it('also in an argv list that gives it to a shell or behind another program', () => {
    expect(argvTexts(['git', 'push', '--force']).views.some(isPush)).toBe(true);
    expect(argvTexts(['bash', '-c', 'cd x; git push --force']).views.some(isPush)).toBe(true);
    expect(argvTexts(['sudo', '-n', '/bin/git', 'push', '--force']).views.some(isPush)).toBe(true);
  });

  it('wherever it stands among other commands, however they are joined', () => {
    const joint = fc.constantFrom(' && ', '; ', ' | ', '\n', ' || ', ' & ', ';(', '\n{ ');
    const other = fc.constantFrom('ls -l', 'echo "a; b"', "printf '%s' x", 'A=1 make', 'cat <x >y', 'test -f "$a"');
    fc.assert(
      fc.property(fc.array(fc.tuple(other, joint), { maxLength: 6 }), (before) => {
        expect(isSeen(`${before.flat().join('')}git push --force`)).toBe(true);
      }),
    );
  });
});

describe('what is only spoken of is not taken for a command', () => {
  it.each([
    'git commit -m "git push --force; is bad"',
    `echo 'a; git push --force'`,
    'git log # ; git push --force',
    'grep -r "git push --force" docs',
    'git push',
    'echo git push --force',
    "cat > notes.md <<'EOF'\ngit push --force\nEOF",
  ])('%s', (line) => {
    expect(isSeen(line)).toBe(false);
  });
});

describe('what has to be allowed', () => {
  it.each([
    ['git status', ['git status']],
    ['cd x && git "status"  -s', ['cd x', 'git status -s']],
    ['git log $(rm -rf x)', ['rm -rf x', 'git log $(rm -rf x)']],
    ['LD_PRELOAD=x git status', ['LD_PRELOAD=x git status']],
    ['git status 2>&1 &>log', ['git status 2>&1 &>log']],
  ])('%s: each command in full', (line, commands) => {
    expect(commandLineTexts(line).commands).toEqual(commands);
  });
});

describe('a text made to be hard to read', () => {
  it('takes bounded time, and what was not looked at whole says so', () => {
    const hard = ['$(', '"$(', 'sudo ', "'", '"', '<<a ', '$ ', '`', '(', '{a,b} ', '\\', 'sh -c "x y" '];
    for (const part of hard) {
      const startedAtMs = performance.now();
      const texts = commandLineTexts(part.repeat(260_000 / part.length));
      expect(performance.now() - startedAtMs).toBeLessThan(3_000);
      expect(texts.views.reduce((sum, { length }) => sum + length, 0)).toBeLessThan(2.5e6);
    }
    expect(commandLineTexts('sudo '.repeat(50_000)).isWhole).toBe(false);
    expect(commandLineTexts('x'.repeat(300_000))).toEqual({ commands: [], views: [], isWhole: false });
  });

  it('never throws', () => {
    const piece = fc.constantFrom(
      '"',
      "'",
      '$(',
      ')',
      '`',
      '\\',
      '\n',
      ' ',
      '<<E',
      'E',
      '#',
      '&',
      '>',
      'git',
      '{',
      '}',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        expect(commandLineTexts(pieces.join('')).isWhole).toBeTypeOf('boolean');
      }),
      { numRuns: 3_000 },
    );
  });
});
