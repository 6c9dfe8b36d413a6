import type { Metadata } from 'next';
import Image from 'next/image';

export const metadata: Metadata = { title: 'About' };

export default function About() {
  return (
    <>
      <h1>About this journal</h1>
      <Image src="/boots.svg" alt="A pair of boots" width={96} height={64} />
      <p>Written by two people and a dog.</p>
      <p><a href="mailto:walks@journal.example">Write to us</a></p>
    </>
  );
}
