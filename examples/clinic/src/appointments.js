import { Router } from 'express';

export const appointments = Router();
const booked = [];
const animals = ['Dog', 'Cat', 'Horse'];

appointments.get('/', (req, res) => {
  res.render('appointments/list', { title: 'Appointments', booked });
});

appointments.get('/new', (req, res) => {
  res.render('appointments/new', { title: 'New appointment', animals, values: { animal: 'Dog' } });
});

appointments.post('/', (req, res) => {
  const { owner, animal, day } = req.body;
  const errors = [];
  if (!owner) errors.push('Who is bringing the animal?');
  if (!day) errors.push('Pick a day.');
  if (day && new Date(day) < new Date()) errors.push('That day is over.');
  if (errors.length > 0) {
    return res.status(400).render('appointments/new', { title: 'New appointment', animals, values: req.body, errors });
  }
  booked.push({ owner, animal, day });
  res.redirect('/appointments');
});
