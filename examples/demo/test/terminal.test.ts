import { describe, expect, it } from 'vitest';
import { createTerminal } from '../src/render/terminal.ts';

/** A stream that keeps what is written to it. */
function aStream(isTTY: boolean): { readonly written: string[]; readonly stream: NodeJS.WriteStream } {
  const written: string[] = [];
  const stream = { isTTY, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { written, stream };
}

describe('the lines of the demo', () => {
  it('have no colors when they go into a file or a pipe', () => {
    const { stream, written } = aStream(false);
    const terminal = createTerminal(stream, {});
    terminal.line(terminal.paint('red', 'killed'));
    expect(written).toEqual(['killed\n']);
  });

  it('have colors on a terminal', () => {
    const { stream } = aStream(true);
    expect(createTerminal(stream, {}).paint('red', 'killed')).toContain('\u001b[');
  });

  it('have no colors on a terminal that does not want them', () => {
    const { stream } = aStream(true);
    expect(createTerminal(stream, { NO_COLOR: '1' }).paint('red', 'killed')).toBe('killed');
  });
});
