/** Data sets of comma-separated values. */

import { coded } from '../types.js';
import { assert } from '../util.js';
import { rowsOf } from './csv-rows.js';
import { Dataset } from './dataset.js';
import { fromGenerator, type LazyIterator } from './iterator.js';
import { type DataSource, FileDataSource, URLDataSource } from './sources.js';
import { decodeUTF8 } from './text.js';

export interface ColumnConfig {
  /** Whether an empty field is an error. */
  required?: boolean;
  dtype?: 'float32' | 'int32' | 'bool' | 'string';
  /** The value of an empty field. */
  default?: unknown;
  /** Whether the column is to be learnt. */
  isLabel?: boolean;
}

export interface CSVConfig {
  /** Whether the first row has the names of the columns; true by default. */
  hasHeader?: boolean;
  /** The names of the columns, in place of those of the header. */
  columnNames?: string[];
  columnConfigs?: Record<string, ColumnConfig>;
  /** Whether columns without a configuration are left out. */
  configuredColumnsOnly?: boolean;
  /** One character; a comma by default. */
  delimiter?: string;
  /** Whether fields are divided by any number of blanks. */
  delimWhitespace?: boolean;
}

type Row = Record<string, unknown>;

/**
 * The rows of a table as objects by the names of their columns: numbers where a field can be read as one, else strings, and
 * undefined where it is empty. With columns that are labels, `{ xs, ys }`: the others, and the labels. Empty lines of a table
 * with several columns are no rows.
 */
export class CSVDataset extends Dataset<any> {
  private names: string[] | null;
  private checked = false;
  private readonly delimiter: string;

  constructor(
    protected readonly input: DataSource,
    private readonly config: CSVConfig = {},
  ) {
    super();
    const { delimiter, delimWhitespace } = config;
    assert(!delimWhitespace || delimiter == null, 'Delimiter should not be provided when delimWhitespace is true.');
    this.delimiter = delimWhitespace ? ' ' : delimiter || ',';
    assert(this.delimiter.length === 1, `A delimiter is one character, but got '${this.delimiter}'`);
    this.names = config.columnNames ?? null;
  }

  private get hasHeader(): boolean {
    return this.config.hasHeader !== false;
  }

  /** The names of the columns that elements have. */
  async columnNames(): Promise<string[]> {
    if (!this.checked) await (await this.rows()).return();
    return this.config.configuredColumnsOnly ? Object.keys(this.config.columnConfigs ?? {}) : (this.names as string[]);
  }

  /** The rows after the header, which gives the names of the columns where they are not given. */
  private async rows(): Promise<LazyIterator<string[]>> {
    const chunks = await this.input.iterator();
    const rows = fromGenerator(rowsOf(decodeUTF8(chunks), this.delimiter, this.config.delimWhitespace ?? false), chunks);
    try {
      let header: string[] | null = null;
      if (this.hasHeader) {
        header = (await rows.next()).value;
        if (header === null) throw coded('format', 'No data was found for CSV parsing.');
      }
      if (!this.checked) this.setNames(header);
      return rows;
    } catch (error) {
      await rows.return();
      throw error;
    }
  }

  private setNames(header: string[] | null): void {
    const names = this.names ?? header;
    if (names === null) throw coded('argument', 'Column names must be provided if there is no header line.');
    assert(
      header === null || header.length === names.length,
      () => `The length of provided columnNames (${names.length}) does not match the length of the header line read from file (${header?.length}).`,
    );
    const twice = names.filter((name, i) => names.indexOf(name) < i);
    assert(twice.length === 0, () => `Duplicate column names found: ${[...new Set(twice)]}`);
    for (const key of Object.keys(this.config.columnConfigs ?? {})) {
      if (!names.includes(key)) throw coded('argument', `The key "${key}" provided in columnConfigs does not match any of the column names (${names}).`);
    }
    this.names = names;
    this.checked = true;
  }

  override async iterator(): Promise<LazyIterator<any>> {
    const rows = await this.rows();
    const several = (this.names as string[]).length > 1;
    const told = several ? rows.filter((row) => row.length > 1 || (row[0] ?? '') !== '') : rows;
    return told.map((row) => this.elementOf(row));
  }

  private elementOf(fields: string[]): Row | { xs: Row; ys: Row } {
    const names = this.names as string[];
    if (fields.length !== names.length) throw coded('format', `Invalid row in csv file. Should have ${names.length} elements in a row, but got ${fields}`);
    const xs: Row = {};
    const ys: Row = {};
    let labelled = false;
    names.forEach((name, i) => {
      const config = this.config.columnConfigs?.[name];
      if (config === undefined && this.config.configuredColumnsOnly) return;
      const value = valueOf(fields[i] as string, config);
      if (value === undefined && (config?.required || config?.isLabel)) {
        throw coded('format', `Required column ${name} is empty in this line: ${fields.join(this.delimiter)}`);
      }
      labelled ||= config?.isLabel === true;
      (config?.isLabel ? ys : xs)[name] = value;
    });
    return labelled ? { xs, ys } : xs;
  }
}

/** The value of a field; undefined where it is empty and has no default. */
function valueOf(field: string, config: ColumnConfig = {}): unknown {
  if (field === '') return config.default;
  if (config.dtype === 'string') return field;
  if (config.dtype === 'bool') return Number(field === '1' || field.toLowerCase() === 'true');
  const number = Number(field);
  // Blanks alone are no number, though Number makes them 0.
  if (Number.isNaN(number) || field.trim() === '') return field;
  return config.dtype === 'int32' ? Math.floor(number) : number;
}

/**
 * The rows of comma-separated values at a URL, in Node also of a file as `file://path`, in a file that a user chose, or in bytes.
 * They are read as they arrive.
 */
export function csv(source: string | Request | Blob | Uint8Array | DataSource, config: CSVConfig = {}): CSVDataset {
  if (typeof source === 'object' && 'iterator' in source) return new CSVDataset(source, config);
  const bytes = source instanceof Uint8Array || (typeof Blob !== 'undefined' && source instanceof Blob);
  return new CSVDataset(bytes ? new FileDataSource(source as Blob | Uint8Array) : new URLDataSource(source as string | Request), config);
}
