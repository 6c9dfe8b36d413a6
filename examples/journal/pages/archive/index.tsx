import Head from 'next/head';
import Link from 'next/link';
import type { GetStaticProps } from 'next';

interface Props { years: string[] }

export const getStaticProps: GetStaticProps<Props> = async () => ({ props: { years: ['2022', '2023'] } });

export default function Archive({ years }: Props) {
  return (
    <>
      <Head><title>Archive of the journal</title></Head>
      <h1>Archive</h1>
      <ul>
        {years.map((year) => <li key={year}><Link href={`/archive/${year}`}>{`Walks of ${year}`}</Link></li>)}
      </ul>
      <Link href="/">Field journal</Link>
    </>
  );
}
