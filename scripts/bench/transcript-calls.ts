/** Owns tool calls of a Claude transcript, and questions to them: what the agent said a command is for, which is not indexed. */
import { readFileSync } from 'node:fs';
import type { LabelledQuestion } from './git-sessions.ts';
import type { Document } from './ranking.ts';

type Fields = Readonly<Record<string, unknown>>;

const RESULT_CHARS = 2_000;
const isFields = (value: unknown): value is Fields => typeof value === 'object' && value !== null;

const blocksOf = (line: string): readonly Fields[] => {
  const entry: unknown = JSON.parse(line);
  const message = isFields(entry) ? entry['message'] : undefined;
  const content = isFields(message) ? message['content'] : undefined;
  return Array.isArray(content) ? content.filter(isFields) : [];
};

export const transcriptCalls = (
  path: string,
): { readonly documents: readonly Document[]; readonly questions: readonly LabelledQuestion[] } => {
  const texts = new Map<string, string[]>();
  const questions: LabelledQuestion[] = [];
  for (const block of readFileSync(path, 'utf8').split('\n').filter(Boolean).flatMap(blocksOf)) {
    if (block['type'] === 'tool_use') {
      const { description, ...input } = isFields(block['input']) ? block['input'] : {};
      const id = String(block['id']);
      texts.set(id, [String(block['name']), JSON.stringify(input)]);
      if (typeof description === 'string') questions.push({ kind: 'description', words: description, wanted: id });
    }
    if (block['type'] === 'tool_result')
      texts.get(String(block['tool_use_id']))?.push(JSON.stringify(block['content']).slice(0, RESULT_CHARS));
  }
  return { documents: Array.from(texts, ([id, parts]) => ({ id, text: parts.join('\n') })), questions };
};
