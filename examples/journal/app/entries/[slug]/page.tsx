import type { Metadata } from 'next';
import Link from 'next/link';
import { notFound } from 'next/navigation';
import { Applause } from '@/components/applause';
import { allEntries, findEntry } from '@/lib/entries';

interface Props { params: Promise<{ slug: string }> }

export function generateStaticParams() {
  return allEntries().map(({ slug }) => ({ slug }));
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { slug } = await params;
  return { title: findEntry(slug)?.title ?? 'Not found' };
}

export default async function EntryPage({ params }: Props) {
  const { slug } = await params;
  const entry = findEntry(slug);
  if (!entry) notFound();

  return (
    <article>
      <h1>{entry.title}</h1>
      <p><time dateTime={entry.day}>{new Date(entry.day).toLocaleDateString()}</time>, {entry.kilometres} km</p>
      <p>{entry.text}</p>
      <Applause />
      <Link href="/entries">Back to all entries</Link>
    </article>
  );
}
