export interface Entry { slug: string; title: string; day: string; kilometres: number; text: string }

const entries: Entry[] = [
  { slug: 'ridge', title: 'Along the ridge', day: '2024-05-11', kilometres: 14, text: 'Wind from the west, larks all the way.' },
  { slug: 'marsh', title: 'Through the marsh', day: '2024-06-02', kilometres: 9, text: 'Boots first, questions later.' },
  { slug: 'quarry', title: 'The old quarry', day: '2024-09-21', kilometres: 6, text: 'The lake at the bottom is greener than the trees.' },
];

export function allEntries(): Entry[] {
  return [...entries].sort((a, b) => b.day.localeCompare(a.day));
}

export function findEntry(slug: string): Entry | undefined {
  return entries.find((entry) => entry.slug === slug);
}
