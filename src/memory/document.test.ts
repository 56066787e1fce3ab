import { expect, it } from 'vitest';
import type { BusLine } from '../bus/line.ts';
import { DOCUMENT_CHARS, documentOf } from './document.ts';

const lineOf = (type: string, data: object, meta: object = {}): BusLine => ({
  ts: '2026-11-20T11:27:03.123Z',
  type,
  entity: 'JOB-20261120-k3f9xq2m',
  writer: 'w',
  seq: 1,
  id: '019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071',
  meta: { ...meta },
  data: { ...data },
  h: '',
});

it('tells of a session first what was asked, then what was said, then names', () => {
  const digest = {
    asked: 'Fix the socket\nplease',
    said: 'Done.',
    files: ['src/a.ts'],
    commands: ['npm test'],
    errors: ['ENOENT'],
  };
  const { summary, text } = documentOf(lineOf('session_end_summary', { digest, result: 'Done.' }, { domain: 'hooks' }));
  expect(summary).toBe('Fix the socket');
  expect(text).toBe('Fix the socket\nplease\nDone.\nhooks\nENOENT\nsrc/a.ts\nnpm test');
});

it('keeps room for files and errors, however much was said', () => {
  const digest = {
    asked: 'a'.repeat(4_000),
    said: 'b'.repeat(4_000),
    files: ['src/last.ts'],
    commands: [],
    errors: ['ENOENT'],
  };
  const { text } = documentOf(lineOf('session_end_summary', { digest }));
  expect(text.length).toBeLessThanOrEqual(DOCUMENT_CHARS);
  expect(text).toContain('ENOENT\nsrc/last.ts');
});

it('leaves no half of a character where it cuts: Qdrant would refuse the whole batch', () => {
  for (const lead of ['', 'x']) {
    const digest = {
      asked: lead + '😀'.repeat(4_000),
      files: [],
      commands: [],
      errors: [`${lead}${'😀'.repeat(2_000)}`],
    };
    expect(documentOf(lineOf('session_end_summary', { digest })).text.isWellFormed()).toBe(true);
  }
});

it('makes a text of a result with fields, and of a long one its head', () => {
  expect(documentOf(lineOf('job_completed', { result: { pr: 7 } })).text).toBe('{"pr":7}');
  expect(documentOf(lineOf('job_completed', { result: { $blob: 'f00', head: 'Merged' } })).summary).toBe('Merged');
});

it('survives a line of another version', () => {
  const odd = { digest: 7, result: null, calls_by_tool: [], summary: {}, dispatch: 'no' };
  expect(documentOf(lineOf('session_end_summary', odd))).toEqual({ summary: '', text: '' });
  expect(documentOf(lineOf('job_failed', odd))).toEqual({ summary: '', text: '' });
});
