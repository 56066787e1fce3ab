/**
 * Owns sessions made of a git history, and questions to them. A commit is a session: its files and half of the prose of
 * its diff are what is remembered; its subject, and of the other half one sentence, are what somebody asks months later.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import type { BusLine } from '../../src/bus/line.ts';

export interface GitSession {
  readonly line: BusLine;
  readonly questions: readonly LabelledQuestion[];
}

export interface LabelledQuestion {
  readonly kind: 'subject' | 'sentence' | 'description';
  readonly words: string;
  /** Id of the line that it asks for. */
  readonly wanted: string;
}

interface Commit {
  readonly hash: string;
  readonly at: string;
  readonly subject: string;
  readonly body: string;
  readonly files: readonly string[];
  /** What was added that a person would read: comments, documentation, names of tests. */
  readonly prose: readonly string[];
  readonly code: readonly string[];
}

const FIELD = '\u001f';
const RECORD = '\u001e';
const MAX_BYTES = 1 << 30;
const MIN_WORDS = 5;

const PROSE = [
  /^\s*(?:\/\/|\/\*\*|\*)\s*(.{20,})/,
  /\b(?:it|test|describe)(?:\.each)?\(\s*['"`](.{15,}?)['"`]/,
] as const;
const proseOf = (file: string, line: string): string | undefined => {
  if (/\.(?:md|txt)$/.test(file)) return line.trim().length < 20 ? undefined : line.replaceAll(/[|`*#]/g, ' ').trim();
  for (const form of PROSE) {
    const found = form.exec(line)?.[1];
    if (found !== undefined) return found.replace(/\*\/\s*$/, '').trim();
  }
  return undefined;
};

const commitOf = (record: string): Commit => {
  const [hash = '', at = '', subject = '', body = '', diff = ''] = record.split(FIELD);
  const files: string[] = [];
  const prose: string[] = [];
  const code: string[] = [];
  for (const line of diff.split('\n')) {
    const file = /^diff --git a\/.* b\/(.*)$/.exec(line)?.[1];
    if (file !== undefined) files.push(file);
    if (!line.startsWith('+') || line.startsWith('+++')) continue;
    const found = proseOf(files.at(-1) ?? '', line.slice(1));
    if (found === undefined) code.push(line.slice(1).trim());
    else prose.push(found);
  }
  return { hash, at, subject, body: body.trim(), files, prose, code };
};

const commitsOf = (repository: string, revision: string): readonly Commit[] => {
  const format = `${RECORD}%H${FIELD}%aI${FIELD}%s${FIELD}%b${FIELD}`;
  const args = ['log', '--no-merges', '--reverse', '-p', '-U0', '--no-color', `--format=${format}`, revision, '--'];
  const exclude = [':(exclude)package-lock.json', ':(exclude)docs/reference', ':(exclude)config/schemas'];
  const { stdout, status, stderr } = spawnSync('git', ['-C', repository, ...args, '.', ...exclude], {
    maxBuffer: MAX_BYTES,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`git log: ${stderr}`);
  return stdout.split(RECORD).slice(1).map(commitOf);
};

const numberOf = (text: string): number => createHash('sha256').update(text).digest().readUInt32BE(0);

const FILLER = new Set(
  'a an and are as at be but by does for from has have how in is it its no not of on one or so than that the their then there they this to until was what when where which who with'.split(
    ' ',
  ),
);

/** With an s or without, where that is a word that somebody wrote; else as it is. */
const otherForm = (word: string, known: ReadonlySet<string>): string => {
  const other = word.endsWith('s') ? word.slice(0, -1) : `${word}s`;
  return word.length >= 4 && known.has(other) ? other : word;
};

/**
 * As somebody asks who has not the text before them: identifiers in words, no accents, no filler, a third of the words
 * left out, at most eight, and each third one in the other number. The same for the same sentence.
 */
export const paraphrase = (sentence: string, known: ReadonlySet<string>): string => {
  const plain = sentence.normalize('NFKD').replaceAll(/\p{M}/gu, '');
  const split = plain.replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2').toLowerCase();
  const words = split.match(/[\p{L}\p{N}]+(?:['’][a-z]+)?/gu)?.filter((word) => !FILLER.has(word)) ?? [];
  const distinct = [...new Set(words)];
  const kept = distinct
    .toSorted((a, b) => numberOf(sentence + a) - numberOf(sentence + b))
    .slice(0, Math.min(8, Math.max(4, Math.ceil((distinct.length * 2) / 3))));
  return distinct
    .filter((word) => kept.includes(word))
    .map((word, n) => (n % 3 === 1 ? otherForm(word, known) : word))
    .join(' ');
};

const wordCount = (text: string): number =>
  text.match(/\p{L}{3,}/gu)?.filter((word) => !FILLER.has(word.toLowerCase())).length ?? 0;

const idOf = (hash: string): string => hash.slice(0, 32).replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');

const sessionOf = (commit: Commit, known: ReadonlySet<string>): GitSession => {
  const { hash, at, subject, body, files, prose, code } = commit;
  const id = idOf(hash);
  const shown = prose.filter((_, n) => n % 2 === 0);
  const tests = files.filter((file) => file.endsWith('.test.ts'));
  const errors = [...new Set(code.join('\n').match(/\bNIKA_[A-Z_]+\b|\bE[A-Z]{4,}\b|\bTS\d{4}\b/g))].slice(0, 10);
  const digest = {
    said: [body, ...shown].join('\n').slice(0, 2_000),
    files: files.slice(0, 40),
    commands: tests.slice(0, 20).map((file) => `npx vitest run ${file}`),
    errors,
  };
  const data = { outcome: 'completed', calls_by_tool: { Edit: files.length, Bash: tests.length }, digest };
  const held = prose
    .filter((sentence, n) => n % 2 === 1 && !digest.said.includes(sentence) && wordCount(sentence) >= MIN_WORDS + 1)
    .toSorted((a, b) => numberOf(a) - numberOf(b));
  const sentences = held
    .slice(0, 1)
    .map((words) => ({ kind: 'sentence', words: paraphrase(words, known), wanted: id }) as const);
  const subjects =
    wordCount(subject) < MIN_WORDS ? [] : [{ kind: 'subject', words: paraphrase(subject, known), wanted: id } as const];
  const meta = { agent: 'claude', entity_id: `JOB-${hash.slice(0, 12)}`, session_id: id };
  const line = {
    ts: at,
    type: 'session_end_summary',
    entity: meta.entity_id,
    writer: '',
    seq: 0,
    id,
    meta,
    data,
    h: '',
  };
  return { line, questions: [...subjects, ...sentences] };
};

export const gitSessions = (repository: string, revision: string): readonly GitSession[] => {
  const commits = commitsOf(repository, revision);
  const known = new Set(
    commits.flatMap(
      ({ prose }) =>
        prose
          .join(' ')
          .toLowerCase()
          .match(/[a-z]+/g) ?? [],
    ),
  );
  return commits.map((commit) => sessionOf(commit, known));
};
