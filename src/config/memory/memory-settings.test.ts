import { expect, it } from 'vitest';
import { memorySchema } from './memory-settings.ts';

const withUrl = (url: string) => memorySchema.safeParse({ embeddings: { url, model: 'small', dimension: 8 } });

it('the endpoint for dense vectors is an address without user and password: those would be in messages', () => {
  expect(withUrl('http://127.0.0.1:11434/v1').data?.embeddings).toMatchObject({ batch: 32, timeoutMs: 20_000 });
  for (const url of ['http://user:secret@127.0.0.1/v1', 'http://user@127.0.0.1/v1', 'ftp://127.0.0.1', 'nowhere']) {
    const { error } = withUrl(url);
    expect(error?.issues[0]?.message).toMatch(/^must (be like|hold no user)/);
    expect(String(error?.message)).not.toContain('secret');
  }
});
