/** What happened to a row: its new value, or null after its deletion. */
export type OnChange<Row> = (id: number, row: Row | null) => void;

/** Rows by their id. An id is never used again. A caller that changes a row also has to save it. */
export class Table<Row extends { id: number }> {
  private readonly rows = new Map<number, Row>();
  private last = 0;

  constructor(private readonly onChange: OnChange<Row>) {}

  /** All rows by ascending id. */
  all(): Row[] {
    return [...this.rows.values()];
  }

  get(id: number | null): Row | undefined {
    return id === null ? undefined : this.rows.get(id);
  }

  find(matches: (row: Row) => boolean): Row | undefined {
    return this.all().find(matches);
  }

  insert(row: Omit<Row, "id">): Row {
    const inserted = { ...row, id: this.last + 1 } as Row;
    this.save(inserted);
    return inserted;
  }

  save(row: Row): void {
    this.restore(row);
    this.onChange(row.id, row);
  }

  delete(id: number): void {
    this.forget(id);
    this.onChange(id, null);
  }

  clear(): void {
    for (const id of [...this.rows.keys()]) this.delete(id);
  }

  /** Sets a row that is saved already. */
  restore(row: Row): void {
    this.rows.set(row.id, row);
    this.reserve(row.id);
  }

  /** Removes a row whose deletion is saved already. */
  forget(id: number): void {
    this.rows.delete(id);
    this.reserve(id);
  }

  /** Never gives out this id or a lower one. */
  reserve(id: number): void {
    this.last = Math.max(this.last, id);
  }

  get state(): { last: number; rows: Row[] } {
    return { last: this.last, rows: this.all() };
  }
}
