/** The rows of comma-separated values (RFC 4180). */

import { coded } from '../types.js';

/** Where the next character stands. */
const enum At {
  /** Before a field. */
  Start,
  /** In a field without quotes. */
  Plain,
  Quoted,
  /** After a quote in a quoted field: its end, or the first of two that stand for one. */
  AfterQuote,
  /** After that and a carriage return. */
  AfterReturn,
  /** After a quote that ended nothing: as it stands, until the next one. */
  Stray,
}

/**
 * The rows of a text that comes in parts. Fields in quotes may have delimiters, line ends and doubled quotes in them. Rows end
 * in LF or CR LF. With `whitespace`, fields are divided by any number of blanks. Where a quoted field goes on after its
 * closing quote, the quote is taken as a character.
 */
class RowParser {
  private at = At.Start;
  private field = '';
  private row: string[] = [];
  /** Rows that are complete. */
  rows: string[][] = [];

  constructor(
    private readonly delimiter: string,
    private readonly whitespace: boolean,
  ) {}

  private endField(): void {
    this.row.push(this.field);
    this.field = '';
    this.at = At.Start;
  }

  private endRow(): void {
    if (this.at === At.Plain && this.field.endsWith('\r')) this.field = this.field.slice(0, -1);
    // Blanks at the end of a line divide nothing.
    if (!this.whitespace || this.at !== At.Start) this.endField();
    this.at = At.Start;
    this.rows.push(this.row);
    this.row = [];
  }

  private divides(c: string): boolean {
    return c === this.delimiter || (this.whitespace && c === '\t');
  }

  push(text: string): void {
    for (let i = 0; i < text.length; i++) {
      const c = text[i] as string;
      switch (this.at) {
        case At.Start:
          if (c === '"') this.at = At.Quoted;
          else if (this.whitespace && c === '\n') this.endRow();
          else if (!this.whitespace || !(this.divides(c) || c === '\r')) {
            this.at = At.Plain;
            i -= 1;
          }
          break;
        case At.Plain: {
          let end = i;
          while (end < text.length && text[end] !== '\n' && !this.divides(text[end] as string)) end++;
          this.field += text.slice(i, end);
          i = end;
          if (text[end] === '\n') this.endRow();
          else if (end < text.length) this.endField();
          break;
        }
        case At.Quoted: {
          const end = text.indexOf('"', i);
          this.field += text.slice(i, end < 0 ? undefined : end);
          if (end >= 0) this.at = At.AfterQuote;
          i = end < 0 ? text.length : end;
          break;
        }
        case At.AfterQuote:
        case At.AfterReturn:
          if (this.at === At.AfterQuote && c === '"') {
            this.field += c;
            this.at = At.Quoted;
          } else if (c === '\n') this.endRow();
          else if (this.at === At.AfterQuote && this.divides(c)) this.endField();
          else if (this.at === At.AfterQuote && c === '\r') this.at = At.AfterReturn;
          else {
            this.field += this.at === At.AfterReturn ? '"\r' : '"';
            this.at = At.Stray;
            i -= 1;
          }
          break;
        case At.Stray:
          if (c === '\n') this.endRow();
          else {
            this.field += c;
            if (c === '"') this.at = At.Quoted;
          }
      }
    }
  }

  /** After the last part. */
  end(): void {
    if (this.at === At.Quoted) throw coded('format', `Invalid row in csv file. The quoted field that begins with "${this.field.slice(0, 40)}" does not end.`);
    if (this.at !== At.Start || this.row.length > 0) this.endRow();
  }
}

/** The rows of a text that comes in parts, as lists of fields. */
export async function* rowsOf(parts: AsyncGenerator<string, void>, delimiter: string, whitespace: boolean): AsyncGenerator<string[], void> {
  const parser = new RowParser(delimiter, whitespace);
  for await (const part of parts) {
    parser.push(part);
    const { rows } = parser;
    parser.rows = [];
    yield* rows;
  }
  parser.end();
  yield* parser.rows;
}
