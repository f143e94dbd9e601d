"""Trainings on X-rays: started, followed, resumed, evaluated and checked again."""
