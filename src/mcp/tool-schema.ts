/** Owns how the input of a tool is told to an agent: JSON Schema, without what it does not need. */
import { z } from 'zod';
import type { McpTool } from './tool.ts';

export type ToolSchema = Record<string, unknown> & {
  readonly type: 'object';
  readonly properties?: Record<string, object>;
  readonly required?: string[];
};

export const toolSchema = ({ input }: McpTool): ToolSchema => {
  const { $schema: _schema, ...schema } = z.toJSONSchema(input, {
    io: 'input',
    reused: 'inline',
    override: ({ jsonSchema }) => {
      delete jsonSchema.propertyNames; // not every model takes it, and it is checked here
      delete jsonSchema.minLength; // how long a text may be is checked here, too
      delete jsonSchema.maxLength;
    },
  });
  return { ...schema, type: 'object' } as ToolSchema;
};
