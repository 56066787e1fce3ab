/** Owns a problem in a file as a person is told it: file, line, column, field, what is wrong, what would be right. */
import type { ErrorCode } from '../../model/error-codes.ts';
import { NikaError } from '../../model/error.ts';
import { type FieldIssue, fieldName } from './field-issue.ts';
import type { Yaml } from './yaml-file.ts';

export interface Problem {
  readonly file: string;
  /** From 1; absent where it is about the file as a whole. */
  readonly line?: number;
  /** From 1. */
  readonly column?: number;
  /** `steps[0].tool`; empty: the whole. */
  readonly field: string;
  readonly message: string;
}

const place = ({ file, line, column }: Problem): string =>
  line === undefined ? file : `${file}:${line}:${column ?? 1}`;

/** `file:line:column: field: what is wrong; what would be right` */
export const formatProblem = (problem: Problem): string =>
  [place(problem), problem.field, problem.message].filter((part) => part !== '').join(': ');

/** Where in its file an issue is. */
export const problemAt = (yaml: Yaml, issue: FieldIssue): Problem => ({
  file: yaml.file,
  ...yaml.locate(issue.path, issue.isAboutKey),
  field: fieldName(issue.path),
  message: issue.message,
});

const byPlace = (a: Problem, b: Problem): number => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0);

/** In the order of the file. */
export const sortProblems = (problems: readonly Problem[]): readonly Problem[] => problems.toSorted(byPlace);

/** All problems in one error, one per line, in the order of the file. */
export const problemsError = (code: ErrorCode, problems: readonly Problem[]): NikaError => {
  const sorted = sortProblems(problems);
  const [first] = sorted;
  const lines = sorted.map(formatProblem);
  const message = lines.length === 1 ? lines.join('') : [`${lines.length} mistakes:`, ...lines].join('\n  ');
  return new NikaError(code, message, first === undefined ? {} : { subject: place(first) });
};
